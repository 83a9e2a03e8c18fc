import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from musicvae_jax import reporting
from musicvae_jax.reporting.style import COLOURS, LEAK_CAPTION


def drawn(figure):
    """Draws what a file would show: layout, ticks and texts; warnings are errors here."""
    figure.draw_without_rendering()
    return figure


def legend_of(axis_or_figure):
    legend = getattr(axis_or_figure, "get_legend", lambda: axis_or_figure.legends[0])()
    return [text.get_text().strip() for text in legend.get_texts()]


@pytest.mark.parametrize("seeds", [(0,), (0, 1), (3, 4, 5)])
def test_training_curves_have_a_line_per_side_and_seed(seeds):
    figure = drawn(reporting.training_curves(frames.history(seeds=seeds), "a $\\q$ title"))
    n = len(seeds)
    assert [len(axis.lines) for axis in figure.axes] == [2 * n, 2 * n, n]
    assert legend_of(figure.axes[0]) == ["training", "held out"]
    training, held_out = figure.axes[0].get_legend().legend_handles
    for line_2d, handle in zip(figure.axes[0].lines[:2], (training, held_out), strict=True):
        assert line_2d.get_color() == handle.get_color()
        assert line_2d.get_linestyle() == handle.get_linestyle()


def test_an_autoencoder_has_no_kl_panel():
    figure = drawn(reporting.training_curves(frames.history(kl=np.nan), "title"))
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels == ["reconstruction\n(nats per example)", "active latent dimensions"]


def test_a_sweep_of_step_sizes_is_told_apart():
    history = frames.history((1.0,), learning_rates=(0.1, 0.01))
    figure = drawn(reporting.training_curves(history, "title"))
    assert legend_of(figure.axes[0])[:2] == ["step size 0.01", "step size 0.1"]
    both = frames.history((1.0, 4.0), learning_rates=(0.1, 0.01))
    figure = drawn(reporting.training_curves(both, "title"))
    assert legend_of(figure.axes[0])[1] == "beta 1, step size 0.1"
    assert [len(axis.lines) for axis in figure.axes] == [16, 16, 8]


def test_a_sweep_has_a_colour_and_a_legend_entry_per_beta():
    figure = drawn(reporting.training_curves(frames.history((1.0, 2.0, 0.5)), "title"))
    assert [len(axis.lines) for axis in figure.axes] == [12, 12, 6]
    betas = ["beta 0.5", "beta 1", "beta 2"]
    assert legend_of(figure.axes[0]) == [*betas, "training", "held out"]
    colours = [h.get_color() for h in figure.axes[0].get_legend().legend_handles[:3]]
    assert len(set(colours)) == 3
    for axis in figure.axes:
        assert {line_2d.get_color() for line_2d in axis.lines} == set(colours)


def test_dimensions_are_sorted_by_their_kl_and_the_inactive_are_hollow():
    figure = drawn(reporting.posterior_dimensions(frames.dimensions(seeds=(0,)), "$title"))
    (axis,) = figure.axes
    line, active, inactive = axis.lines
    assert line.get_ydata().tolist() == [2.0, 1.0, 0.5, 0.01]
    assert active.get_xdata().tolist() == [1, 2, 3]
    assert inactive.get_xdata().tolist() == [4]
    assert inactive.get_markerfacecolor() == "white"
    assert legend_of(axis) == ["3 of 4 active", "not active: means vary by at most 0.01"]


def test_dimensions_of_a_sweep_have_a_line_per_model_and_a_colour_per_beta():
    of_both = [frames.dimensions((4.0,), n_active=2), frames.dimensions((1.0,), (0,), n_active=4)]
    more = frames.dimensions((1.0,), (1,), n_active=3)
    figure = drawn(reporting.posterior_dimensions(pd.concat([*of_both, more]), "title"))
    (axis,) = figure.axes
    lines = [one for one in axis.lines if one.get_linestyle() == "-"]
    assert [one.get_color() for one in lines] == [COLOURS[0]] * 2 + [COLOURS[1]] * 2
    assert legend_of(axis)[:2] == ["beta 1: 3-4 of 4 active", "beta 4: 2 of 4 active"]
    figure = drawn(reporting.posterior_dimensions(frames.dimensions(n_active=4), "title"))
    assert legend_of(figure.axes[0]) == ["4 of 4 active"]


def test_the_overview_of_training_keeps_the_columns_of_runs_without_a_kl():
    runs = {
        "easy_vae": frames.history(),
        "hard_ae": frames.history((0.0,), kl=np.nan),
        "$5 and $6": frames.history((1.0, 4.0), seeds=(0,)),
    }
    figure = drawn(reporting.training_overview(runs, "title"))
    grid = np.reshape(figure.axes, (3, 3))
    assert [[len(axis.lines) for axis in row] for row in grid] == [[4, 4, 2], [4, 0, 2], [4, 4, 2]]
    assert [axis.axison for axis in grid[1]] == [True, False, True]
    assert [row[0].get_title("left") for row in grid] == list(runs)
    assert legend_of(grid[2, 0]) == ["beta 1", "beta 4", "training", "held out"]


def test_the_chosen_k_is_circled_on_the_mean():
    figure = drawn(reporting.cluster_selection(frames.curves(), "title"))
    for axis, value in zip(figure.axes, (5.5, 0.45), strict=True):
        circle = next(one for one in axis.lines if one.get_label() == "used here")
        assert circle.get_xdata().tolist() == [3]
        assert circle.get_ydata().tolist() == [pytest.approx(value)]
    assert legend_of(figure.axes[1]) == ["one seed", "mean over seeds", "used here"]


def test_one_seed_is_no_mean():
    figure = drawn(reporting.cluster_selection(frames.curves(seeds=(7,)), "title"))
    assert legend_of(figure.axes[1]) == ["one seed", "used here"]
    assert [len(axis.lines) for axis in figure.axes] == [2, 2]


def test_an_undefined_silhouette_leaves_its_panel_empty():
    curves = frames.curves().assign(silhouette=np.nan)
    figure = drawn(reporting.cluster_selection(curves, "title"))
    inertia, silhouette = (
        next(one for one in axis.lines if one.get_label() == "mean over seeds")
        for axis in figure.axes
    )
    np.testing.assert_array_equal(inertia.get_ydata(), [9.5, 5.5, 4.5])
    assert np.isnan(silhouette.get_ydata()).all()


def test_the_overview_of_k_has_two_panels_per_representation():
    runs = {f"run: $\\q$ {i}": frames.curves() for i in range(3)}
    figure = drawn(reporting.selection_overview(runs, "title"))
    assert [axis.axison for axis in figure.axes] == [True] * 6 + [False] * 2
    assert [axis.get_title() for axis in figure.axes[:6:2]] == list(runs)
    assert legend_of(figure) == ["one seed", "mean over seeds", "used here"]


@pytest.mark.parametrize(("rule", "heading"), [("stability", "stability"), ("pac", "ambiguous")])
def test_what_a_rule_measures_has_a_panel_of_its_own_where_it_was_measured(rule, heading):
    taken = frames.curves().assign(**{"stability": np.nan, rule: [0.9, np.nan, 0.5] * 2})
    figure = drawn(reporting.cluster_selection(taken, "title"))
    assert len(figure.axes) == 3
    assert figure.axes[2].get_ylabel().startswith(heading)
    mean = next(one for one in figure.axes[2].lines if one.get_label() == "mean over seeds")
    np.testing.assert_array_equal(mean.get_ydata(), [0.9, np.nan, 0.5])
    not_taken = frames.curves().assign(**{rule: np.nan})
    assert len(reporting.cluster_selection(not_taken, "title").axes) == 2
    both = drawn(reporting.selection_overview({"a": taken, "b": not_taken}, "title"))
    assert [axis.axison for axis in both.axes] == [True] * 5 + [False]


def test_disentanglement_over_beta_has_means_and_deviations():
    sweeps = {"one $\\q$": frames.disentanglement(), "two": frames.disentanglement(seeds=(0,))}
    figure = drawn(reporting.disentanglement_curves(sweeps, "title"))
    gaps, of_forests, *_ = figure.axes
    assert len(figure.axes) == 4
    assert legend_of(gaps) == ["MIG", "SAP"]
    assert legend_of(of_forests) == ["disentanglement", "completeness", "informativeness"]
    assert gaps.get_xscale() == "log"
    assert [text.get_text() for text in gaps.get_xticklabels()] == ["1", "4"]
    line, _, (bars,) = gaps.containers[0].lines
    np.testing.assert_allclose(line.get_ydata(orig=False), [0.105, 0.105])
    np.testing.assert_allclose(
        bars.get_segments()[0][:, 1], 0.105 + np.array([-1, 1]) * np.std([0.1, 0.11], ddof=1)
    )


def test_text_of_the_data_is_drawn_as_it_is():
    labels = ["R$B \\q$ x", "_hidden", "[bold]"]
    groups = {"genre $\\q$": pd.Series(labels * 4)}
    figure = drawn(reporting.projection(np.ones((12, 2)), groups, "UMAP", "a $\\q$ title"))
    assert legend_of(figure.axes[0]) == sorted(f"{label} (4)" for label in labels)
    assert figure.axes[0].get_title() == "coloured by genre $\\q$"


@pytest.mark.parametrize("n_groups", [3, 24, 40])
def test_every_song_is_drawn_and_every_style_is_its_own(n_groups):
    n_songs = 200
    groups = pd.Series([f"group {i % n_groups:02d}" for i in range(n_songs)], dtype=object)
    groups[:5] = None
    coordinates = np.random.default_rng(0).normal(size=(n_songs, 2))
    figure = reporting.projection(coordinates, {"genre": groups}, "UMAP", "title")
    found = figure.axes[0].collections
    assert sum(len(points.get_offsets()) for points in found) == n_songs
    assert len(found) == min(n_groups, 24) + (n_groups > 24) + 1
    styles = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
        for points in found
    }
    assert len(styles) == len(found)
    legend = legend_of(figure.axes[0])
    assert len(legend) == len(found)
    assert legend[-1] == "unknown (5)"
    others = [text for text in legend if text.startswith("other")]
    n_others = int((~groups.isin(groups.value_counts().index[:24]) & groups.notna()).sum())
    assert others == ([f"other (16 groups) ({n_others})"] if n_groups == 40 else [])


def test_the_largest_groups_are_the_named_ones():
    groups = pd.Series([f"g{i:02d}" for i in range(30) for _ in range(1 + (i >= 6))])
    figure = reporting.projection(np.zeros((len(groups), 2)), {"genre": groups}, "UMAP", "title")
    named = [f"g{i:02d} (2)" for i in range(6, 30)]
    assert legend_of(figure.axes[0]) == [*named, "other (6 groups) (6)"]


def test_a_grid_has_a_panel_per_representation_and_a_legend_per_colouring():
    runs = {f"run_{i}:\n$\\q$": frames.points() for i in range(8)}
    figure = drawn(reporting.projection_grid(runs, ["genre", "language"], "t-SNE", "title"))
    for part, legend in zip(figure.subfigs, (["a", "b", "unknown"], ["en"]), strict=True):
        assert [axis.axison for axis in part.axes] == [True] * 8 + [False] * 6
        assert legend_of(part) == legend
        for axis in part.axes[:8]:
            assert sum(len(points.get_offsets()) for points in axis.collections) == 12
    assert figure.subfigs[0].axes[0].get_title() == "run_0:\n$\\q$, n = 12"


def test_a_group_has_one_style_in_all_panels_of_a_grid():
    runs = {"all": frames.points(), "some": frames.points(groups=("b", "c"))}
    figure = reporting.projection_grid(runs, ["genre"], "t-SNE", "title")
    # Of c, b, a and unknown, the first of which is drawn last.
    first, second = (axis.collections for axis in figure.subfigs[0].axes)
    colours = [
        [tuple(p.get_facecolor()[0]) for p in panel if len(p.get_offsets())]
        for panel in (first, second)
    ]
    assert len(colours[0]) == 3
    assert len(set(colours[0]) & set(colours[1])) == 1
    assert to_rgba(COLOURS[1], 0.85) in set(colours[0]) & set(colours[1])


def test_a_legend_of_many_groups_does_not_reach_the_next_grid():
    points = frames.points(48, groups=[f"group {i}" for i in range(24)])
    figure = drawn(reporting.projection_grid({"one": points}, ["genre", "language"], "x", "title"))
    upper, lower = (part.legends[0].get_window_extent() for part in figure.subfigs)
    assert upper.y0 >= lower.y1


def songs():
    return pd.DataFrame(
        {
            "cluster": [0, 0, 0, 0, 1, 1],
            "genre": ["$5 and $6", "b", "b", None, "b", "b"],
            "language": ["en", "pt", "pt", "pt", None, "en"],
        }
    )


def test_cluster_distributions_by_hand():
    figure = drawn(reporting.cluster_distributions(songs(), ["genre", "language"], "$\\q$"))
    genre, language, _ = figure.axes
    np.testing.assert_allclose(genre.images[0].get_array(), [[1 / 3, 2 / 3], [0, 1]])
    np.testing.assert_allclose(language.images[0].get_array(), [[1 / 4, 3 / 4], [1, 0]])
    assert [text.get_text() for text in genre.texts] == ["1", "2", "2"]
    assert [text.get_text() for text in genre.get_xticklabels()] == ["$5 and $6", "b"]
    assert [text.get_text() for text in genre.get_yticklabels()] == ["0 (n = 3)", "1 (n = 2)"]
    assert [text.get_text() for text in language.get_yticklabels()] == ["0 (n = 4)", "1 (n = 1)"]


def test_cluster_distributions_share_one_colour_bar_up_to_the_largest_share():
    rows = songs().assign(genre=list("abcdef"), cluster=[0, 0, 0, 0, 1, 1])
    figure = reporting.cluster_distributions(rows, ["genre", "language"], "title")
    assert len(figure.axes) == 3
    assert [axis.images[0].get_clim() for axis in figure.axes[:2]] == [(0, 1), (0, 1)]
    only = reporting.cluster_distributions(rows, ["genre"], "title")
    assert len(only.axes) == 2
    assert only.axes[0].images[0].get_clim() == (0, 0.5)


def test_reconstructions_stand_below_their_songs_on_one_scale():
    figure = drawn(reporting.reconstruction_examples(frames.mels(), "$\\q$"))
    *panels, bar = figure.axes
    assert len(panels) == 6
    titles = [axis.get_title() for axis in panels]
    assert titles[:3] == [f"Song {i} for $5 and $6" for i in range(3)]
    assert titles[3:] == ["reconstruction, 3.0 dB rms off"] * 3
    assert len({axis.images[0].get_clim() for axis in panels}) == 1
    assert bar.get_ylabel().startswith("dB")
    assert panels[0].images[0].get_extent() == pytest.approx([0, 8 * 512 / 22050, 0, 128])


def test_long_titles_are_cut_visibly():
    mels = frames.mels(n=2) | {"titles": np.array(["x" * 29, "y" * 28])}
    figure = reporting.reconstruction_examples(mels, "title")
    assert [axis.get_title() for axis in figure.axes[:2]] == ["x" * 27 + "…", "y" * 28]


def test_interpolation_names_its_ends_and_shares():
    figure = drawn(reporting.latent_interpolation(frames.mels(), "title"))
    *panels, _ = figure.axes
    assert [axis.get_title() for axis in panels] == ["0%", "25%", "50%", "75%", "100%"]
    assert "“From $1” (0%) to “To $2” (100%)" in figure.get_suptitle()
    assert len({axis.images[0].get_clim() for axis in panels}) == 1


def markers(axis):
    """Of the points from the top of the panel down: hollow or not, and the value."""
    points = [one for one in axis.lines if one.get_marker() in ("o", "s")]
    return [
        (one.get_markerfacecolor() == "white", float(one.get_xdata()[0])) for one in points[::-1]
    ]


def test_a_leak_is_hollow_and_marked_where_it_leaks():
    rows = frames.metrics(
        frames.scored(representation="vae", ami_genre=0.4),
        frames.scored(representation="cvae", ami_genre=0.9, labels_seen="genre"),
        frames.scored(representation="$5 and $6", role="baseline", labels_seen="language"),
        frames.scored(representation="ignored", clusterer="gmm"),
    )
    figure = drawn(reporting.comprehensive_results(reporting.suite_table([rows]), "title"))
    genre, language, silhouette = figure.axes
    assert markers(genre) == [(False, 0.4), (True, 0.9), (False, 0.3)]
    assert [hollow for hollow, _ in markers(language)] == [False, False, True]
    assert not any(hollow for hollow, _ in markers(silhouette))
    assert [[t.get_text() for t in axis.texts] for axis in figure.axes] == [["†"], ["†"], []]
    names = [text.get_text() for text in genre.get_yticklabels()]
    assert names[0] == "easy_vae: $5 and $6 (n = 100)"
    assert len(names) == 3
    assert legend_of(figure) == ["the experiment's own", "baseline", LEAK_CAPTION]


def test_error_bars_are_the_deviation_over_seeds():
    table = reporting.suite_table([frames.metrics(*frames.over_seeds([0.1, 0.3]))])
    axis = reporting.comprehensive_results(table, "title").axes[0]
    (segment,) = axis.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segment[:, 0], 0.2 + np.array([-1, 1]) * np.sqrt(0.02))


def test_scores_that_are_all_undefined_are_left_out():
    nothing = {"ami_genre": np.nan, "ami_language": np.nan, "silhouette": np.nan}
    rows = frames.metrics(frames.scored(labels_seen="genre", **nothing))
    figure = drawn(reporting.comprehensive_results(reporting.suite_table([rows]), "title"))
    assert len(figure.axes) == 3
    assert not any(axis.texts for axis in figure.axes)


def test_the_tradeoff_has_a_point_per_representation_hollow_where_it_knows():
    rows = frames.metrics(
        *frames.over_seeds([0.3, 0.5]),
        frames.scored(representation="cvae", labels_seen="genre", ami_genre=0.9),
        frames.scored(representation="undefined", ami_genre=np.nan),
    )
    figure = drawn(reporting.language_tradeoff(frames.summary(rows), "title"))
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.texts] == ["1", "2"]
    assert [float(one.get_ydata()[0]) for one in axis.lines if one.get_marker() == "o"] == [
        0.4,
        0.9,
    ]
    assert legend_of(figure) == [
        "1  easy_vae: vae, 100 songs",
        "2  easy_vae: cvae †, 100 songs",
    ]


def test_the_numbers_of_points_in_one_place_are_apart_and_baselines_have_none():
    rows = frames.metrics(
        *(frames.scored(representation=f"vae_{i}", ami_genre=0.4 + i / 1000) for i in range(9)),
        frames.scored(representation="far", ami_genre=0.9),
        frames.scored(representation="pca", role="baseline"),
    )
    (axis,) = drawn(reporting.language_tradeoff(frames.summary(rows), "title")).axes
    texts = [text for text in axis.texts if text.get_text()]
    assert [text.get_text() for text in texts] == [str(n) for n in range(1, 11)]
    # Of the text alone, without the line from it to its point.
    boxes = [Text.get_window_extent(text).get_points() for text in texts]
    points = np.mean(boxes, axis=1) * 72 / axis.figure.dpi
    for number, one in enumerate(points):
        # As wide or as high as a number.
        assert (np.abs(points[:number] - one) > (9, 7)).any(axis=1).all()
