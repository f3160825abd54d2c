"""Named places where a process may die: tests kill it there, everywhere else they are nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

POINTS: Mapping[str, str] = {
    "request written": "a request has its rows, in a transaction that is not committed",
    "request committed": "the request is safe, and nobody was told",
    "batch written": "the requests of a batch have their rows, in a transaction that is not committed",
    "batch committed": "all of them are safe, and nobody was told",
    "bell": "a worker is about to be woken, after the commit",
    "claim written": "due jobs have a holder, not committed",
    "claim committed": "due jobs have a holder, who has not looked at them",
    "sending written": "the marker that money may be spent is written, not committed",
    "sending committed": "the marker is safe, and the request waits for it",
    "departing": "the next thing that happens is the first byte",
    "answering": "the head of an answer is there",
    "answered": "the whole answer to a paid call is there",
    "processing written": "the provider's id is written, not committed",
    "processing committed": "the provider's id is safe",
    "storing written": "that outputs are ready is written, not committed",
    "storing committed": "that outputs are ready is known, and none was fetched",
    "downloaded": "an output is in memory",
    "file written": "an unfinished file is on disk, and has not got its name",
    "picture kept": "a picture has its file, and no row",
    "thumbnail kept": "its preview has one too",
    "completed written": "the pictures have rows, not committed",
    "completed committed": "a call is complete, and nobody was told",
    "announcing": "those who listen for the end of a request are about to hear of it",
    "failed written": "the end of a call is written, not committed",
    "failed committed": "the end of a call is safe",
    "queued written": "what a lost worker had claimed is put back, not committed",
    "queued committed": "it waits again",
    "unconfirmed written": "that nobody knows what became of a send is written, not committed",
    "unconfirmed committed": "nobody knows what became of a send, and it will not be sent again",
    "canceled written": "a call is cancelled, in a transaction that goes on",
    "canceled committed": "the same, where the step had a transaction of its own that is over",
    "cancel written": "what could be cancelled is, not committed",
    "cancel committed": "the cancelling is safe",
    "retry written": "new calls take the place of those that failed, not committed",
    "retry committed": "new calls wait, and nobody was told",
    "saving written": "what could not be saved is due at once, not committed",
    "saving committed": "it is due, and nobody was told",
    "look written": "a last look brought no proof, and nothing but that is about to be written",
    "look committed": "a failed call rests again, as it was",
    "erase written": "words and pictures are deleted from the rows, not committed",
    "erase committed": "only files are left to delete",
    "message claim written": "messages are somebody's to send, not committed",
    "message claimed": "they are somebody's to send",
    "message departing": "a message is signed, and the next thing that happens is its first byte",
    "message answered": "its receiver has it, and nobody here knows",
    "message written": "that it has arrived is written, not committed",
    "message committed": "that it has arrived is safe",
    "file erased": "a doomed file is gone, and its row still says that it has to go",
}

hook: Callable[[str], object] | None = None
"""What a test has happen at each place; no setting, variable or request can set it."""


def reach(name: str) -> None:
    """Say that this place is reached."""
    if hook is not None:
        hook(name)
