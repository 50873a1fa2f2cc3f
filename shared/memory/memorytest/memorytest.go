// Package memorytest makes memory budgets for tests of other packages.
package memorytest

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/memory"
)

// Budget returns a budget that is larger than any test needs.
func Budget(tb testing.TB) *memory.Budget {
	tb.Helper()
	const most = 1 << 40
	budget, err := memory.New(
		memory.Limit{Bytes: 3*most + memory.Reserve, Source: "the test"}, memory.Need{Hold: most, Step: most})
	if err != nil {
		tb.Fatal(err)
	}
	return budget
}
