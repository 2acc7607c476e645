"""The engines that come with gradlaw: each file has its target, and how it is written in a script of its own."""
