"""What the files of a run's results folder are called, for those who write and who read them."""

MANIFEST = "manifest.json"
CARDS = "cards.json"
PROJECTIONS = "projections.parquet"
RECONSTRUCTIONS = "reconstructions.npz"
FIGURES = "figures"
# NAME.csv of each table that a summary is made of.
SCORE_TABLES = ("metrics", "significance", "spaces")
