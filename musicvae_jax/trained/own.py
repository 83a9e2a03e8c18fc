"""A model's own representations of songs: its latents, their fusions, and single blocks."""

from typing import TYPE_CHECKING

import numpy as np
from jax.sharding import Mesh

from musicvae_jax.config import Block, Experiment
from musicvae_jax.config.naming import block_name, member_name, model_name
from musicvae_jax.preprocess import ModelInputs
from musicvae_jax.representations import Representation, apply_pca, union
from musicvae_jax.trained.decoding import decode
from musicvae_jax.trained.fusion import Fusion, apply_fusion
from musicvae_jax.training.streaming import latents, make_source

if TYPE_CHECKING:
    from musicvae_jax.trained.model import Trained


def members_by_name(experiment: Experiment) -> dict[str, list[int]]:
    """The members of a sweep, by the name of their latents, one for each seed; none for a model
    without training."""
    if not experiment.model.traits.trained:
        return {model_name(experiment): []}
    found: dict[str, list[int]] = {}
    for place, member in enumerate(experiment.members):
        found.setdefault(member_name(experiment, member), []).append(place)
    return found


def own_names(trained: "Trained") -> tuple[str, ...]:
    """The names of `own_representations`."""
    fused = tuple(_fused_name(trained.experiment, one) for one in trained.fusions)
    own = fused or (*members_by_name(trained.experiment), *_names_decoded(trained.experiment))
    alone = (block_name(trained.experiment, block) for block in trained.experiment.alone)
    return tuple(dict.fromkeys((*own, *alone)))


def encoded_names(trained: "Trained") -> tuple[str, ...]:
    """The names of all that songs can be encoded as: of own and of base representations."""
    return tuple(dict.fromkeys((*own_names(trained), *members_by_name(trained.experiment))))


def own_representations(
    trained: "Trained", inputs: ModelInputs, mesh: Mesh | None = None
) -> tuple[Representation, ...]:
    """All own representations, in the order of the experiment, single blocks last."""
    by_name = base_representations(trained, inputs, mesh)
    return add_fusions(trained, inputs, by_name)


def base_representations(
    trained: "Trained", inputs: ModelInputs, mesh: Mesh | None = None
) -> dict[str, Representation]:
    """The model's representations before any fusion, by name."""
    names = members_by_name(trained.experiment)
    found = {name: base_representation(trained, inputs, name, mesh) for name in names}
    decoded = _names_decoded(trained.experiment)
    return found | {
        name: _decoded(trained, inputs, found[latents]) for name, latents in decoded.items()
    }


def base_representation(
    trained: "Trained", inputs: ModelInputs, name: str, mesh: Mesh | None = None
) -> Representation:
    """One base representation: posterior means, principal components or the features themselves."""
    experiment, model = trained.experiment, trained.experiment.model
    if model.traits.trained:
        points = _latents(trained, inputs, members_by_name(experiment)[name], mesh)
    elif model.traits.linear:
        if trained.projection is None:
            raise ValueError(f"{name}: its principal components are not fitted")
        points = apply_pca(trained.projection, inputs.x)[None]
    else:
        points = inputs.x[None]
    blocks = experiment.columns_of_modalities(experiment.modalities)
    condition = () if model.condition == "none" else (model.condition,)
    return Representation(name, inputs.songs, points, inputs.readable, union(blocks, condition))


def add_fusions(
    trained: "Trained", inputs: ModelInputs, by_name: dict[str, Representation]
) -> tuple[Representation, ...]:
    """Own representations from the result of `base_representations`."""
    fused = [apply_fusion(one, by_name[one.latents], inputs) for one in trained.fusions]
    own = {one.name: one for one in (fused or by_name.values())}
    for block in trained.experiment.alone:
        found = inputs.blocks[block]
        own.setdefault(found.name, found)
    return tuple(own.values())


def blocks_of(trained: "Trained", name: str) -> set[Block]:
    """The blocks of lyrics and labels that a representation needs besides the model's input."""
    experiment = trained.experiment
    if name in members_by_name(experiment) or name in _names_decoded(experiment):
        return set()
    for fusion in trained.fusions:
        if _fused_name(experiment, fusion) == name:
            return {one.block for one in fusion.blocks}
    return {block for block in experiment.alone if block_name(experiment, block) == name}


def one_representation(
    trained: "Trained", inputs: ModelInputs, name: str, mesh: Mesh | None = None
) -> Representation:
    """The own or base representation with a name; computes nothing else."""
    if name in members_by_name(trained.experiment):
        return base_representation(trained, inputs, name, mesh)
    if latents := _names_decoded(trained.experiment).get(name):
        found = base_representation(trained, inputs, latents, mesh)
        return _decoded(trained, inputs, found)
    for fusion in trained.fusions:
        if _fused_name(trained.experiment, fusion) == name:
            return apply_fusion(
                fusion, base_representation(trained, inputs, fusion.latents, mesh), inputs
            )
    (found,) = {one.name: one for one in inputs.blocks.values() if one.name == name}.values()
    return found


def _latents(
    trained: "Trained", inputs: ModelInputs, members: list[int], mesh: Mesh | None
) -> np.ndarray:
    songs = np.arange(len(inputs.songs))
    source = make_source(inputs, songs, songs)
    model = trained.model
    return np.stack([latents(model, trained.params(i), source, songs, mesh) for i in members])


def _names_decoded(experiment: Experiment) -> dict[str, str]:
    """The names of decoded features, each with the name of its latents."""
    if not experiment.model.decoded:
        return {}
    return {_decoded_name(name): name for name in members_by_name(experiment)}


def _decoded_name(latents: str) -> str:
    return f"{latents}_decoded"


def _decoded(trained: "Trained", inputs: ModelInputs, of_latents: Representation) -> Representation:
    """The features decoded from latents, standardised as the model's input."""
    members = members_by_name(trained.experiment)[of_latents.name]
    points = [
        decode(trained.model, trained.params(member), latents, inputs.condition)
        for member, latents in zip(members, of_latents.points, strict=True)
    ]
    return of_latents._replace(name=_decoded_name(of_latents.name), points=np.stack(points))


def _fused_name(experiment: Experiment, fusion: Fusion) -> str:
    names = (
        block_name(experiment, one.block) + ("" if one.projection is None else "_pca")
        for one in fusion.blocks
    )
    return "+".join((fusion.latents, *names))
