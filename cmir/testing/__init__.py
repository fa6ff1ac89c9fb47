"""For tests of compilers built on cmir: a lit test format, a check of FileCheck directives."""
