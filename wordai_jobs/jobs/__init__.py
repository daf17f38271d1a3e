"""The life of a job: what users may do with it, and the engines that run it to its end."""
