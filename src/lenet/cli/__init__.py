"""The command line: one file a verb; a verb parses, calls the library, prints.

Results go to stdout, progress and messages to stderr. Exit status: 0 done, 1 the work failed,
2 wrong usage, 130 stopped by Ctrl-C. Verbs import what they need when they run, so that ``--help``
stays instant.
"""
