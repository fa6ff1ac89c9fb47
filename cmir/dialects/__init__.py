"""The dialects: operations, attributes, verifiers, interfaces. No pass logic."""
