"""What pytest passes over: the network's training, where PyTorch is not installed."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["emotify_core/network/*.py"]
