package forms

import (
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset"
)

// roleNames are the names that records have for each role. Messages propose the first name of each role.
var roleNames = []struct {
	role  dataset.Role
	names []string
}{
	{dataset.Human, []string{"human", "user"}},
	{dataset.Model, []string{"gpt", "assistant", "model", "bot"}},
	{dataset.System, []string{"system", "developer"}},
	{dataset.Tool, []string{
		"tool", "tool_call", "tool_calls", "tool_response", "function", "function_call", "function_response",
		"observation", "ipython",
	}},
}

// roleOf returns the role that has this name; "" if the name is unknown.
func roleOf(name string) dataset.Role {
	for _, r := range roleNames {
		for _, known := range r.names {
			if name == known {
				return r.role
			}
		}
	}
	return ""
}

// rolesToWrite returns the names of roles that messages propose.
func rolesToWrite() string {
	var b strings.Builder
	for i, r := range roleNames {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strings.Join(r.names, "/"))
	}
	return b.String()
}
