"""The extension `newname` of cmir."""
