package markdown

// The words after "sh" that have a meaning for the gate.
const (
	NeedsNothing = ""
	NeedsFull    = "full"
	NeedsGate    = "gate"
)

// A Need is the word after "sh", which says what a block of commands needs.
type Need struct {
	Word    string
	Meaning string
}

// Needs are all values of Need, also the one for no need.
func Needs() []Need {
	return []Need{
		{NeedsNothing, "nothing: the gate runs it"},
		{NeedsFull, "some time: `.ci/run --full` runs it"},
		{NeedsGate, "a step of the gate of its own runs it"},
		{"bench", "a machine without other work, and minutes"},
		{"cloud", "a project of Google Cloud"},
		{"data", "files that are not in this repository"},
		{"gpu", "a GPU, and weights"},
		{"network", "a registry of packages or images"},
		{"program", "another program than Go's tools, such as docker"},
		{"server", "a server that is running, of a model or of Harvest"},
	}
}
