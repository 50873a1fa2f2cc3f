package events_test

import (
	"testing"

	"github.com/harvest-ml/harvest/shared/events"
)

func FuzzParseFilter(f *testing.F) {
	for _, sub := range events.Subscriptions() {
		f.Add(sub.Filter, "score")
	}
	f.Add(`attributes.a != "\x00"`, "")
	f.Add(`attributes.a = "x" AND `, "x")
	f.Fuzz(func(t *testing.T, text, value string) {
		filter, err := events.ParseFilter(text)
		if err != nil {
			return
		}
		if text == "" && !filter.Matches(map[string]string{"a": value}) {
			t.Error("the empty filter does not match a message")
		}
		for _, attributes := range []map[string]string{nil, {}, {"task": value}, {"a": value}} {
			filter.Matches(attributes)
		}
	})
}
