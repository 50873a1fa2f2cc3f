package selection

import "testing"

// catalogOf is a catalog of a pool that should be valid.
func catalogOf(t testing.TB, pool *Pool) *Catalog {
	t.Helper()
	catalog, err := NewCatalog(pool)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}
