"""Test support for compilers built on cmir: a lit test format, and a check of FileCheck directives."""
