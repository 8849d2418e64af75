"""What the work tree would change on every stack, against a commit: the commit is brought up, the tree previewed."""
