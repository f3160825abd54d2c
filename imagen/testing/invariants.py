"""What has to be true of the rows and files of a site at any moment; ``check`` says what is not.

The promises have numbers, I1 to I10. Each is checked as far as rows and files can tell, and, given what a gateway of
``imagen.testing`` remembers, as far as its ledger can.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import pairwise

from imagen import kept, registry
from imagen.costs import currency, shown, shown_in
from imagen.models import Generation, Job
from imagen.states import ACCEPTED, FINAL, FINISHED, HELD, NEXT, JobStatus, Status, outcome
from imagen.testing import accounts, mail, surroundings
from imagen.testing.ledger import Ledger
from imagen.testing.site import Site

_AFTER_ALL = (JobStatus.FAILED, JobStatus.STORING)
_OVER_FOR_GOOD = frozenset({JobStatus.COMPLETED, JobStatus.CANCELED})


def check(ledger: Ledger | None = None) -> None:
    """Raise ``AssertionError`` with one line for everything that is not as it has to be."""
    if wrong := list(violations(ledger)):
        raise AssertionError("\n".join(wrong))


def violations(ledger: Ledger | None = None) -> Iterator[str]:
    """Everything that is not as it has to be, a sentence each that begins with the promise it breaks."""
    yield from broken(Site.read(ledger))


def broken(site: Site) -> Iterator[str]:
    """The same of a site that was read already."""
    for name, (_, rule) in RULES.items():
        yield from (f"{name}: {wrong}" for wrong in rule(site))


def _each_job(rule: Callable[[Site, Job], Iterator[str]], site: Site) -> Iterator[str]:
    for job in site.jobs.values():
        yield from (f"Job {job.pk} ({job.status}) {wrong}." for wrong in rule(site, job))


def _each_generation(rule: Callable[[Site, Generation], Iterator[str]], site: Site) -> Iterator[str]:
    for asked in site.generations.values():
        yield from (f"Generation {asked.pk} ({asked.status}) {wrong}." for wrong in rule(site, asked))


def _true(rules: Mapping[str, bool]) -> Iterator[str]:
    yield from (wrong for wrong, applies in rules.items() if applies)


# Calls


def _known_there(site: Site) -> Iterator[str]:
    yield from accounts.strangers(site.jobs.values(), site.ledger) if site.ledger else ()


def _sent_once(site: Site) -> Iterator[str]:
    yield from _each_job(_resent, site)
    yield from accounts.repeated(site.ledger) if site.ledger else ()


def _resent(site: Site, job: Job) -> Iterator[str]:
    """A send that nobody holds waits to be sent again: only where its key is remembered."""
    if job.status == JobStatus.SENDING and not job.holder and job.provider in registry.configured():
        yield from _true({"will be sent again without a key": not registry.configured()[job.provider].idempotent})


def _named_once(site: Site) -> Iterator[str]:
    yield from _each_job(_with_id, site)
    named = Counter((job.provider, job.remote_id) for job in site.jobs.values() if job.remote_id)
    for (provider, remote_id), count in named.items():
        if count > 1:
            yield f"{count} jobs have the id {remote_id} at {provider}."


def _with_id(site: Site, job: Job) -> Iterator[str]:
    yield from _true({"was accepted without an id": job.status in ACCEPTED and job.remote_id == ""})


def _swapped(site: Site, job: Job) -> Iterator[str]:
    """Every step began where the last one ended, and every claim raised the fence."""
    moves, before = _moves(site, job), JobStatus.QUEUED
    for after in moves:
        if after not in NEXT[before] and (after != before or before in _OVER_FOR_GOOD):
            yield f"became {after} after {before}"
        before = after
    held = job.status in HELD | {JobStatus.UNCONFIRMED} or _asked_after(site, job)
    yield from _true(
        {
            "was claimed more often than its fence says": moves.count(JobStatus.SUBMITTING) > job.fence,
            "is held by a worker": not held and job.holder != "",
            "is held under no fence": job.holder != "" and job.fence == 0,
        }
    )


def _moves(site: Site, job: Job) -> list[JobStatus]:
    return [JobStatus(event.what) for event in site.history[job.pk] if event.what in JobStatus.values]


def _asked_after(site: Site, job: Job) -> bool:
    """Whether a look at a failed call may be due: it was paid, nobody else told its end, and it still stands."""
    replaced = any(other.replaces_id == job.pk for other in site.of[job.generation_id])
    return kept.open_ended(job) and not replaced and site.generations[job.generation_id].deleted_at is None


def _final(site: Site) -> Iterator[str]:
    yield from _each_job(_ended, site)
    yield from _each_job(_taken_up, site)
    yield from _each_generation(_timed, site)


def _ended(site: Site, job: Job) -> Iterator[str]:
    """What was complete or cancelled once is so for good."""
    once = _OVER_FOR_GOOD.intersection(_moves(site, job))
    yield from (f"was {status} before" for status in once if job.status != status)


def _taken_up(site: Site, job: Job) -> Iterator[str]:
    """A failed call went on only if it was paid, ended without its provider's word, and its outputs were there."""
    steps = [event for event in site.history[job.pk] if event.what in JobStatus.values]
    ends = {now.code for now, after in pairwise(steps) if (now.what, after.what) == _AFTER_ALL}
    there = site.ledger.job(job.remote_id) if site.ledger else None
    yield from _true(
        {
            "went on after an end that was told": not ends <= kept.STORED | kept.UNTOLD,
            "went on and was never accepted": bool(ends) and (job.accepted_at is None or job.remote_id == ""),
            "went on without outputs there": bool(ends) and there is not None and not there.shown,
        }
    )


def _timed(site: Site, generation: Generation) -> Iterator[str]:
    over = generation.status in FINISHED
    yield from _true({"has an end that does not fit": over != (generation.completed_at is not None)})


def _written_together(site: Site) -> Iterator[str]:
    yield from _each_job(_told, site)
    yield from _each_generation(_summed_up, site)


def _told(site: Site, job: Job) -> Iterator[str]:
    """Its history ends where it stands."""
    last = [JobStatus.QUEUED, *_moves(site, job)][-1]
    yield from _true({f"was last said to be {last}": last != job.status})


def _summed_up(site: Site, generation: Generation) -> Iterator[str]:
    """Its standing follows from its calls and pictures."""
    jobs, images = site.of[generation.pk], site.shown[generation.pk]
    if generation.deleted_at is not None:
        yield from ["was deleted and has pictures"] if images else []
        return
    if any(event.what == "picture deleted" for event in site.history[generation.pk]):
        return  # what is missing was there
    replaced = {job.replaces_id for job in jobs}
    standing = [JobStatus(job.status) for job in jobs if job.pk not in replaced]
    due = outcome(standing, images=len(images), asked=generation.num_images)
    if Status(generation.status) is not due:
        yield f"has to be {due}: jobs {sorted(standing)}, {len(images)} pictures"


def _paid(site: Site) -> Iterator[str]:
    yield from _each_job(_spent, site)
    yield from _each_generation(_billed, site)
    yield from accounts.unbalanced(site.jobs)


def _spent(site: Site, job: Job) -> Iterator[str]:
    """Money is spent when a call is accepted, and a call that is accepted was sent."""
    rules = {
        "was accepted and never sent": job.accepted_at is not None and job.sent_at is None,
        "cost something and was never accepted": bool(job.cost) and job.accepted_at is None,
    }
    yield from _true(rules)


def _billed(site: Site, generation: Generation) -> Iterator[str]:
    jobs = site.of[generation.pk]
    costs = [shown(job, job.cost) or Decimal(0) for job in jobs if job.cost is not None]
    told = currency(generation.provider, generation.cost_unit)
    if any(job.cost and shown_in(job) != told for job in jobs):
        costs = []  # nobody can add them up
    if generation.cost_actual != (sum(costs, Decimal(0)) if costs else None):
        yield f"says it cost {generation.cost_actual}, its jobs say {costs}"


def _due(site: Site, job: Job) -> Iterator[str]:
    """Somebody looks at it some time: all that is not over is due, but for a doubt that only a person can end."""
    over, parked = job.status in FINAL, job.status == JobStatus.UNCONFIRMED
    rules = {
        "is over and still due": over and job.due_at is not None and not _asked_after(site, job),
        "is not over and never due": not over and not parked and job.due_at is None,
        "is held and never due": job.holder != "" and job.due_at is None,
    }
    yield from _true(rules)


def _some_time(site: Site) -> Iterator[str]:
    yield from _each_job(_due, site)
    yield from mail.due(site)


Rule = Callable[[Site], Iterator[str]]
RULES: Mapping[str, tuple[str, Rule]] = {
    "I1": ("a call has its row before a byte of it is sent", _known_there),
    "I2": ("what may have been paid is sent again only under a key that is remembered, byte for byte", _sent_once),
    "I3": ("a provider's id belongs to one call", _named_once),
    "I4": ("a status changes from where it stood, by who holds it", partial(_each_job, _swapped)),
    "I5": ("an end is an end", _final),
    "I6": ("a picture has its whole file, a file its picture", surroundings.stored),
    "I7": ("a step, its history and what follows from it are written together", _written_together),
    "I8": ("money is set aside, spent and given back as the calls stand, and the books balance", _paid),
    "I9": ("nothing but a bell goes through the queue", surroundings.queued),
    "I10": ("whatever is not over is due some time", _some_time),
}
