"""Command-line tools: cm-opt, cm-run and cm-translate."""
