"""Listeners of known taste: what they answer is drawn from what a test has put in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from companion.listening.answers import Answer
from companion.listening.design import SCALE, Trial, trials_of
from companion.listening.study import Key, Study, write_json


def study_of(contexts: int, arms: int) -> Study:
    """A study without a folder."""
    names = iter(f"{n:016x}.flac" for n in range(contexts * arms + 6))
    sounds = tuple(tuple(next(names) for _ in range(arms)) for _ in range(contexts))
    beeps = tuple(next(names) for _ in range(5))
    return Study(sounds, beeps, next(names), 1.0)


ARMS = ("human", "best", "no guidance", "naive", "another song", "MusicGen")


def key_of(study: Study) -> Key:
    contexts = tuple(f"context {n}" for n in range(study.contexts))
    return Key(contexts, ARMS[: study.arms], (), "")


@dataclass(frozen=True)
class Taste:
    """What listeners answer, and why.

    A rating is what an arm is worth, plus what the context gives to everything, stretched around
    the middle as the listener uses the scale, plus what the listener gives to everything, plus
    chance, rounded to a point of the scale.
    """

    worth: tuple[float, ...]
    listeners: float = 0.0  # standard deviation of what a listener gives to everything
    contexts: float = 0.0  # likewise a context
    fits: float = 0.0  # likewise a context to one arm
    scale: float = 0.0  # spread of how far a listener stretches the scale, in log
    noise: float = 0.7  # chance in each answer
    lapses: float = 0.0  # share of answers given without listening
    inattentive: float = 0.0  # share of listeners who answer all without listening

    def answers(self, study: Study, listeners: int, seed: int) -> list[Answer]:
        """All answers of so many listeners."""
        dice = np.random.default_rng(seed)
        context = dice.normal(0, self.contexts, study.contexts)
        fit = dice.normal(0, self.fits, (study.contexts, study.arms))
        worth = np.array(self.worth) + context[:, None] + fit
        made = []
        for who in range(listeners):
            given, stretch = dice.normal(0, self.listeners), np.exp(dice.normal(0, self.scale))
            absent = dice.random() < self.inattentive
            felt = 3 + stretch * (worth - 3) + given
            for place, trial in enumerate(trials_of(study, who)):
                lapse = absent or dice.random() < self.lapses
                value = dice.choice(trial.answers) if lapse else self._answer(trial, felt, dice)
                made.append(Answer(who, place, int(value), f"{who}/{place}"))
        return made

    def truth(self, draws: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
        """Mean rating of each arm, and the share of its pairs in which it is preferred.

        Of all listeners and contexts there could be.
        """
        dice = np.random.default_rng(1)
        given, context = (dice.normal(0, sd, draws) for sd in (self.listeners, self.contexts))
        stretch = np.exp(dice.normal(0, self.scale, draws))
        felt = [
            3 + stretch * (worth + context + dice.normal(0, self.fits, draws) - 3) + given
            for worth in self.worth
        ]
        heard = [each + dice.normal(0, self.noise, draws) for each in felt]
        rated = np.array([np.clip(np.rint(each), 1, SCALE).mean() for each in heard])
        beats = np.array([[np.mean(one > other) for other in heard] for one in heard])
        won = beats.sum(1) / (len(self.worth) - 1)
        return (
            (1 - self.lapses) * rated + self.lapses * 3,
            (1 - self.lapses) * won + self.lapses / 2,
        )

    def _answer(self, trial: Trial, felt: np.ndarray, dice: np.random.Generator) -> int:
        if trial.kind == "headphones":
            return 6
        if trial.expected:
            return trial.expected
        heard = [felt[trial.context, arm] + dice.normal(0, self.noise) for arm in trial.arms]
        if trial.kind == "pair":
            return 1 + int(heard[1] > heard[0])
        return int(np.clip(np.rint(heard[0]), 1, SCALE))


def write_study(folder: Path, contexts: int = 4, arms: int = 4, seconds: float = 0.2) -> Study:
    """A study on disk, of tones."""
    study = replace(study_of(contexts, arms), seconds=seconds)
    (folder / "audio").mkdir(parents=True)
    for n, name in enumerate(sorted(study.names)):
        time_s = np.arange(round(seconds * 48_000)) / 48_000
        tone = 0.05 * np.sin(2 * np.pi * (200 + 20 * n) * time_s)
        soundfile.write(folder / "audio" / name, tone, 48_000, format="FLAC")
    write_json(folder / "key/key.json", key_of(study))
    write_json(folder / "study.json", study)
    return study
