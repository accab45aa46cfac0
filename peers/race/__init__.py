"""The same race in other shops: buyers, baskets and what each shop's own tables say afterwards."""
