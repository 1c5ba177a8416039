"""Expected features, and the script that makes them again."""
