"""Documentation that cannot rot: reference pages made from the code, and pages whose examples are executed."""
