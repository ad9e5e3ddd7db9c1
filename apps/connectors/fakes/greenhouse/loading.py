"""Fill an empty account: the house, then the dossier of every candidate wanted."""

from collections.abc import Iterator

from . import dossier, house
from .config import Config
from .portfolio import case
from .state import Json, State


def rows(config: Config) -> Iterator[tuple[str, Json]]:
    yield from house.rows()
    for index in range(config.first_index, config.first_index + config.candidates):
        chosen = case(config.seed, index, config.today)
        yield from dossier.rows(config.seed, chosen, config.today, thin=config.thin)


def load(state: State, config: Config) -> None:
    with state.transaction():
        state.load(rows(config))
        first = case(config.seed, config.first_index, config.today)
        for merged_id in first.merged_ids if config.candidates else ():
            state.execute("INSERT INTO merged VALUES (?,?)", (merged_id, first.remote_id))
