"""What `./rebound up` runs: the private servers, the web, the workers and the scheduler, as one process tree.

In: the settings. Out: a Rebound that answers, or one plain sentence why not.

    places.py       where things lie below var/, and which account owns them
    processes.py    one program: started, tied to its parent's life, stopped
    postgres.py     the private PostgreSQL: binaries, initdb, recovery
    valkey.py       the private Valkey
    private.py      both, borrowed for one command or one test run
    crew.py         workers and scheduler, forked from one process
    supervisor.py   many programs: logs shown, crashes restarted, stopped in order
    first_start.py  what happens once: the first admin, the demo
    remembered.py   the settings that `up` runs with, for the commands of other shells
    start.py        the verbs of `manage.py up`, in order
"""
