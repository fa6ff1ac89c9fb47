"""Generation and testing of documentation: reference pages from the code, and execution of examples in pages."""
