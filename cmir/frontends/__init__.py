"""Importers of models from other frameworks."""
