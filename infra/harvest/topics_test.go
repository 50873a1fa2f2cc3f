package main

import (
	"strings"
	"testing"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

// TestTopics asks for the pages of help that are of no command.
func TestTopics(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]string{
		"forms": forms.Page(), "budgets": "200M-tokens",
		"parameters": "\n--threshold 1\n  \"threshold\": 1\n    a sample is picked",
	} {
		if got := mustHarvest(t, ".", "help", topic).stdout; !strings.Contains(got, want) {
			t.Errorf("help %s prints %s, want %s in it", topic, got, want)
		}
		if !strings.Contains(mustHarvest(t, ".", "help").stdout, "\n  harvest "+topic+" ") {
			t.Errorf("help does not name the topic %s", topic)
		}
	}
}
