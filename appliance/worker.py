"""The process that runs jobs: claim, work under a heartbeat, keep the result and end the job in one transaction."""

import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import sqlite_utils

from appliance import jobs, leftovers
from appliance.clock import boot_id, boot_seconds
from appliance.database import Database, rows
from appliance.engines import Engines
from appliance.errors import XiangyiError
from appliance.headlines import services as headlines
from appliance.headlines.fetch import fetch_headlines
from appliance.headlines.services import FETCH
from appliance.jobs import Job, LeaseLost
from appliance.notify import Notifier, notifier
from appliance.overrides import services as overrides
from appliance.releases.activation import OPEN, segmenter_for
from appliance.releases.comparison import COMPARE, compare_releases
from appliance.releases.services import INSTALL, bring_back_lost, install_release, open_release
from appliance.settings import Settings, told_by_systemd
from appliance.start import hold
from appliance.storage import Storage
from appliance.studies.correct import correct_image
from appliance.studies.corrections import CORRECT
from appliance.studies.segment import segment_study
from appliance.studies.services import SEGMENT
from appliance.system.housekeeping import Housekeeping
from model import release
from model.tasks import TASKS

log = logging.getLogger(__name__)

POLL_S = 0.02  # how long a submitted job waits at most to be seen
SEEN_EVERY_S = 2.0
SEEN_WITHIN_S = 10.0
LONGEST_JOB_S = 1800.0  # no job takes so long: one that does hangs, and is kept alive no more
STOP_WITHIN_S = 10.0  # what is at hand may end when the box stops; what cannot goes back into the queue
Handler = Callable[[Database, Storage, Engines, Job], Callable[[sqlite_utils.Database], None]]
HANDLERS: dict[str, Handler] = {
    SEGMENT: segment_study,
    INSTALL: install_release,
    OPEN: open_release,
    COMPARE: compare_releases,
    CORRECT: correct_image,
}
# What waits for the network runs in a thread of its own: no picture may wait for a slow site.
ERRANDS: dict[str, Handler] = {FETCH: fetch_headlines}
ERRAND_EVERY_S = 1.0


class Worker:
    """One loop in one thread; a second thread keeps the lease alive while native code holds the first."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        storage: Storage,
        engines: Engines,
        notify: Notifier | None = None,
    ):
        self._notify, self._at_hand = notify or Notifier(), dict[str, Job]()
        self._settings, self._database, self._storage, self._engines = settings, database, storage, engines
        self._id = secrets.token_hex(6)
        self._stop = threading.Event()
        self._problem: str | None = None
        self._computes = ""
        self._housekeeping = Housekeeping(settings, database, storage)

    def stop(self) -> None:
        """End after the job at hand."""
        self._notify.stopping()
        self._stop.set()

    def stop_within(self, seconds: float) -> None:
        """`stop`, but a job that takes longer goes back into the queue, uncounted, and the process ends."""
        self.stop()
        timer = threading.Timer(seconds, self._hand_back)
        timer.daemon = True
        timer.start()

    def _hand_back(self) -> None:
        for job in list(self._at_hand.values()):
            with suppress(LeaseLost, XiangyiError):  # it has just ended: then there is nothing to hand back
                self._database.write(lambda db, job=job: jobs.hand_back(db, job))  # type: ignore[misc]
                log.info("job %s handed back", job.id)
        self._say_goodbye()
        os._exit(0)  # native code may hold the thread that works; nothing is lost that is not in the database

    def run(self) -> None:
        """Work until `stop`. The engines are opened first: a box that says ready answers the first picture fast."""
        self._warm_up()
        threading.Thread(target=self._announce, name="announce", daemon=True).start()
        threading.Thread(target=self._run_errands, name="errands", daemon=True).start()
        version, idle = None, 0.0
        self._notify.ready()
        while not self._stop.is_set():
            self._notify.alive()
            current = self._database.version()
            if current != version or idle >= 1.0:
                version, idle = current, 0.0
                while not self._stop.is_set() and self.run_one():
                    version = None
                    self._notify.alive()
            self._housekeeping.tick()
            self._stop.wait(POLL_S)
            idle += POLL_S
        self._say_goodbye()

    def run_one(self, handlers: Mapping[str, Handler] = HANDLERS) -> bool:
        """Claim and run the oldest waiting job that `handlers` can do; False when there was none."""
        settings = self._settings
        # Looked for by a reader first: an idle box must not take the write lock every second.
        if not self._database.read(lambda db: jobs.any_left(db, handlers)):
            return False
        job = self._database.write(lambda db: jobs.claim(db, settings.lease_seconds, settings.job_attempts, handlers))
        if job is None:
            return False
        log.info("job %s %s, attempt %d", job.kind, job.id, job.attempts)
        storage = self._storage.noting()
        self._at_hand[job.id] = job
        try:
            with self._heartbeat(job):
                keep = handlers[job.kind](self._database, storage, self._engines, job)
            self._database.write(lambda db: _finish(db, job, keep))
            log.info("job %s succeeded", job.id)
            return True
        except LeaseLost:
            log.warning("job %s: the lease was lost, its result is dropped", job.id)
        except XiangyiError as error:
            self._fail(job, error.code, error.message)
        except MemoryError:
            self._fail(job, "out_of_memory", "内存不足，无法处理这张图片；请缩小图片或关闭其他程序后重试。")
        except Exception:
            log.exception("job %s failed", job.id)
            self._fail(job, "job_failed", "处理这张图片时出错，原图已保存；请联系管理员查看日志。")
        finally:
            self._at_hand.pop(job.id)
        # Its study may have been erased meanwhile: no row will name what was drawn.
        self._database.write(lambda db: leftovers.note(db, *storage.written))
        return True

    def _fail(self, job: Job, code: str, message: str) -> None:
        log.warning("job %s failed: %s", job.id, code)
        try:
            self._database.write(lambda db: jobs.fail(db, job, code, message))
        except LeaseLost:
            log.warning("job %s: the lease was lost before its failure was kept", job.id)

    @contextmanager
    def _heartbeat(self, job: Job) -> Iterator[None]:
        ended = threading.Event()
        lease_s, until = self._settings.lease_seconds, time.monotonic() + LONGEST_JOB_S

        def beat() -> None:
            while not ended.wait(lease_s / 4):
                if time.monotonic() > until:
                    log.error("job %s hangs: its lease ends, and the watchdog is no longer fed", job.id)
                    return
                if job.kind in HANDLERS:
                    self._notify.alive()
                try:
                    self._database.write(lambda db: jobs.heartbeat(db, job, lease_s))
                except (LeaseLost, XiangyiError) as error:
                    log.warning("job %s: no heartbeat: %s", job.id, error)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _warm_up(self) -> None:
        """Open every organ that has a release. A broken one is told on the health page; the others still work."""
        taken = []
        bring_back_lost(self._database, self._storage, self._settings.releases_dir)
        for organ in TASKS:
            if release.newest(organ) is None:
                continue
            try:
                engine = segmenter_for(self._database, self._engines, organ).engine
                taken.append(f"{TASKS[organ].name_zh} {engine.compute}（{engine.name}）")
            except Exception as error:
                log.exception("the release of %s cannot be served", organ)
                self._problem = f"{TASKS[organ].name_zh}模型无法使用：{error}"
        self._computes = "、".join(taken)

    def _announce(self) -> None:
        """Tell the web, through the database, that this worker lives and what it computes on."""
        while not self._stop.is_set():
            try:
                self._database.write(self._announce_in)
            except XiangyiError as error:
                log.warning("cannot announce: %s", error)
            self._stop.wait(SEEN_EVERY_S)

    def _run_errands(self) -> None:
        while not self._stop.wait(ERRAND_EVERY_S):
            try:
                now = overrides.current(self._database, self._settings)
                headlines.enqueue_due(self._database, now.headlines)
                while not self._stop.is_set() and self.run_one(ERRANDS):
                    pass
            except XiangyiError as error:
                log.warning("errands: %s", error)

    def _say_goodbye(self) -> None:
        self._database.write(lambda db: db.execute("DELETE FROM workers WHERE id = ?", [self._id]))

    def _announce_in(self, db: sqlite_utils.Database) -> None:
        now, boot = boot_seconds(), boot_id()
        db.execute("DELETE FROM workers WHERE boot_id != ? OR seen_s < ?", [boot, now - 60])
        seen = {"id": self._id, "pid": os.getpid(), "computes": self._computes, "problem": self._problem}
        db.table("workers").upsert({**seen, "boot_id": boot, "seen_s": now}, pk="id")


def _finish(db: sqlite_utils.Database, job: Job, keep: Callable[[sqlite_utils.Database], None]) -> None:
    keep(db)
    jobs.finish(db, job)


def live_workers(database: Database) -> list[dict]:
    """The workers that announced themselves in the last seconds."""
    sql = "SELECT * FROM workers WHERE boot_id = ? AND seen_s > ?"
    return database.read(lambda db: rows(db, sql, boot_id(), boot_seconds() - SEEN_WITHIN_S))


def work(settings: Settings) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    # Held before the database is opened: a restore would swap the folder under it.
    with hold(settings):
        database, storage = Database(settings.database_path), Storage(settings.files_dir)
        worker = Worker(settings, database, storage, Engines(settings), notifier(told_by_systemd()))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop_within(STOP_WITHIN_S))
        worker.run()
        database.close()
