"""Who is who: signing in and staying signed in, members of the network, and the people who act for them.

``sign_in`` mails and takes links and codes, ``sessions`` and ``tokens`` keep what a browser or a program signs in with,
``service`` changes members and people, ``queries`` reads them, ``identify`` tells who makes a request.
"""
