"""A raw history that answers: as a pure function, and as a `requests` session."""

from analysis.sample.replay.adapter import ReplayAdapter, replay_session
from analysis.sample.replay.answer import Answer
from analysis.sample.replay.api import BLOBS, respond

__all__ = ["BLOBS", "Answer", "ReplayAdapter", "replay_session", "respond"]
