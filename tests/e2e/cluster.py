"""A PostgreSQL of one's own, on a socket in a folder: run as `postgres` where we are root."""

import getpass
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from inside import wait_for
from stack import clean_environment

START_S = 30


class Cluster:
    def __init__(self, folder, **settings):
        """`settings` are postgresql.conf's, besides that it listens on nothing but the socket."""
        self.folder, self.data = folder, folder / "pg"
        self.settings = {"listen_addresses": "", **settings}
        self.owner = "postgres" if os.geteuid() == 0 else getpass.getuser()
        self.programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.environment = clean_environment(LC_ALL="C")
        self.process = None

    def own(self):
        if os.geteuid() != 0:
            return {}
        entry = pwd.getpwnam(self.owner)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def start(self):
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.owner)
        subprocess.run([self.programs / "initdb", "-D", self.data, "-U", "fm", "--no-sync", "--locale=C",
                        "--encoding=UTF8", "--auth=trust"], check=True, capture_output=True,
                       cwd="/", env=self.environment, **self.own())
        with open(self.data / "postgresql.conf", "a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in self.settings.items())
        self.start_again()

    def start_again(self):
        with open(self.folder / "pg.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-k", self.folder],
                stdout=log, stderr=log, cwd="/", env=self.environment, **self.own())
        wait_for("PostgreSQL answers", START_S,
                 lambda: self.psql("postgres", "SELECT 1", check=False).returncode == 0)

    def psql(self, database, *statements, check=True, **more):
        commands = [argument for statement in statements for argument in ("-c", statement)]
        return subprocess.run(
            ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "fm", "-d", database,
             *commands], check=check, capture_output=True, text=True, env=clean_environment(), **more)

    def stop(self, how=signal.SIGINT):
        if self.process:
            self.process.send_signal(how)
            self.process.wait(START_S)
