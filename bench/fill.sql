-- So many applications with their deadline, reminder and history, made by the database alone.
{numbers} INSERT INTO application (id, reference, round_id, member_id, author_id, title, theme, currency,
    edit_version, created_at, public_summary, public_fields, workflow_id, state, state_since, version) SELECT
    i, 'FILL-' || i, a.round_id, a.member_id, a.author_id, a.title, a.theme, a.currency, 0, a.created_at, '',
    a.public_fields, a.workflow_id, a.state, a.state_since, 1 FROM n CROSS JOIN (SELECT * FROM application
    LIMIT 1) a;

{numbers} INSERT INTO ledger_event (chain, seq, at, actor_role, subject_kind, subject_id, action, source,
    target, data, note_digest, previous, hash) SELECT 'application:' || i, 1, e.at, e.actor_role,
    'application', i, e.action, '', 'draft', e.data, '', e.previous, e.hash FROM n CROSS JOIN (SELECT * FROM
    ledger_event LIMIT 1) e;

{numbers} INSERT INTO deadline (id, subject_kind, subject_id, application_id, round_id, key, label,
    owner_role, due_on, zone, due_at, grace_until, generation, status, opened_at, reason) SELECT i,
    'application', i, i, d.round_id, d.key, d.label, d.owner_role, d.due_on, d.zone, d.due_at, d.grace_until,
    1, 'open', d.opened_at, '' FROM n CROSS JOIN (SELECT * FROM deadline WHERE subject_kind = 'application'
    LIMIT 1) d;

{numbers} INSERT INTO message (dedup_key, mail_id, created_at, next_at, application_id, subject_id,
    deadline_id, kind, template, person_id, subject_kind, path, payload, status, attempts, reason,
    rendered_subject, rendered_text, address) SELECT 'fill:' || i, 'fill' || i, m.created_at, m.next_at, i, i,
    i, m.kind, m.template, m.person_id, m.subject_kind, m.path, m.payload, m.status, 0, '', '', '', '' FROM n
    CROSS JOIN (SELECT * FROM message WHERE deadline_id IS NOT NULL LIMIT 1) m
