package events_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	attributes := map[string]string{"task": "shard", "scorer": "llm", "quoted": `a "b" AND c`, "empty": ""}
	for filter, want := range map[string]bool{
		``:                           true,
		`attributes.task = "shard"`:  true,
		`attributes.task="shard"`:    true,
		`attributes.task = "range"`:  false,
		`attributes.task != "shard"`: false,
		`attributes.task != "range"`: true,
		`attributes.absent = ""`:     false,
		`attributes.absent != ""`:    true,
		`attributes.empty = ""`:      true,
		`attributes.scorer != "gpu"`: true,
		`attributes.task = "shard" AND attributes.scorer != "gpu"`:                             true,
		`attributes.task = "shard" AND attributes.scorer = "gpu"`:                              false,
		`attributes.task = "shard" AND attributes.scorer = "llm" AND attributes.quoted != "x"`: true,
		`attributes.quoted = "a \"b\" AND c" AND attributes.task = "range"`:                    false,
		`attributes.quoted = "a \"b\" AND c" AND attributes.task = "shard"`:                    true,
	} {
		f, err := events.ParseFilter(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if got := f.Matches(attributes); got != want {
			t.Errorf("%s: %v", filter, got)
		}
	}
}

// ParseFilter refuses the parts of Pub/Sub's language that no subscription uses, and syntax errors.
func TestFilterRefused(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		`attributes:task`, `hasPrefix(attributes.task, "s")`, `NOT attributes.task = "x"`, `attributes."task" = "x"`,
		`attributes.task = "x" OR attributes.task = "y"`, `(attributes.task = "x")`, `attributes.task = x`,
		`attributes.task = "x" AND`, `attributes.task = "x" AND `, `attributes.task = "x`, `task = "x"`, ` `,
		`attributes.task = "x" attributes.task = "y"`, `attributes.task = "\q"`,
	} {
		if f, err := events.ParseFilter(filter); err == nil {
			t.Errorf("%s was read as %+v", filter, f)
		}
	}
}

func TestSubscriptionFilters(t *testing.T) {
	t.Parallel()
	for _, s := range events.Subscriptions() {
		if _, err := events.ParseFilter(s.Filter); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
