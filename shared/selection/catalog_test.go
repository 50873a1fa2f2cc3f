package selection

import "testing"

// catalogOf returns a catalog of a valid pool.
func catalogOf(t testing.TB, pool *Pool) *Catalog {
	t.Helper()
	catalog, err := NewCatalog(pool)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}
