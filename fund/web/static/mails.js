// The preview of a mail follows its words while they are written. Without this file the button does the same.
"use strict";
{
  const PAUSE = 600; // milliseconds without a key, after which the words are looked at
  const PATIENCE = 20000; // milliseconds that an answer may take
  const form = document.querySelector("form.written");
  const button = form.querySelector("[formtarget]");
  const told = form.querySelector("[data-follows]");
  const words = [...form.querySelectorAll("textarea")];
  let shown = form.querySelector("iframe");
  let coming = null; // the frame that waits for its answer: one at a time, so that none overtakes another
  let again = false; // whether something was written since it was asked for
  let pause = 0;
  let count = 0;

  const tell = (what) => {
    if (told.textContent !== told.dataset[what]) told.textContent = told.dataset[what];
  };

  const loaded = (frame) =>
    new Promise((done) => {
      // Some browsers call the empty frame loaded too. What has come is mostly closed to us, by its own policy.
      frame.addEventListener("load", () => frame.contentDocument?.URL === "about:blank" || done());
    });

  // A frame does not tell an answer from the browser's word that there is no line. An icon does.
  const reachable = () =>
    new Promise((done, failed) => {
      const icon = new Image();
      icon.onload = done;
      icon.onerror = failed;
      icon.src = `${document.querySelector("link[rel=icon]").href}?${Date.now()}`;
    });

  const tooLate = () => new Promise((done, failed) => setTimeout(failed, PATIENCE));

  const post = (target) => {
    const action = form.getAttribute("action");
    form.action = button.formAction;
    form.target = target;
    form.submit();
    form.setAttribute("action", action);
    form.removeAttribute("target");
  };

  // Each answer gets a frame of its own: nothing flickers, and the browser's way back has no step for it.
  const look = () => {
    clearTimeout(pause);
    again = coming !== null;
    if (again) return;
    coming = shown.cloneNode(false);
    coming.removeAttribute("src");
    coming.name = `look-${++count}`;
    coming.hidden = true;
    shown.after(coming);
    const answer = Promise.all([loaded(coming), reachable()]);
    Promise.race([answer, tooLate()]).then(() => settle(true), () => settle(false));
    post(coming.name);
  };

  const settle = (arrived) => {
    const [gone, stays] = arrived ? [shown, coming] : [coming, shown];
    gone.remove();
    stays.hidden = false;
    shown = stays;
    coming = null;
    tell(arrived ? "follows" : "lost");
    if (again) look();
  };

  form.addEventListener("input", (event) => {
    if (event.target.name === "note") return;
    clearTimeout(pause);
    pause = setTimeout(look, PAUSE);
  });
  button.addEventListener("click", (event) => {
    event.preventDefault();
    look();
  });
  addEventListener("online", look);
  addEventListener("pageshow", () => {
    tell("follows");
    if (words.some((one) => one.value !== one.defaultValue || one.hasAttribute("aria-invalid"))) look();
  });
}
