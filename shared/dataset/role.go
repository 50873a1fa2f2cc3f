package dataset

import "strings"

// A Role is who speaks in a turn.
type Role string

// The roles of a conversation. Human and model turns are rated, the others stay in the record only.
const (
	Human  Role = "human"
	Model  Role = "gpt"
	System Role = "system" // instructions to the model
	Tool   Role = "tool"   // a call of a tool, or what it returned
)

// rated reports whether scorers see turns of the role.
func (r Role) rated() bool { return r == Human || r == Model }

// roleNames are the names that records give to each role. Messages propose the first ones.
var roleNames = []struct {
	role  Role
	names []string
}{
	{Human, []string{"human", "user"}},
	{Model, []string{"gpt", "assistant", "model", "bot"}},
	{System, []string{"system", "developer"}},
	{Tool, []string{
		"tool", "tool_call", "tool_calls", "tool_response", "function", "function_call", "function_response",
		"observation", "ipython",
	}},
}

// roleOf is the role of a name, "" for an unknown name.
func roleOf(name string) Role {
	for _, r := range roleNames {
		for _, known := range r.names {
			if name == known {
				return r.role
			}
		}
	}
	return ""
}

// rolesToWrite names the known roles for messages.
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
