"""What would change, in words: two trees of files to facts, and facts to changes that a person can weigh."""
