package markdown

// The words after "sh" that the gate reads.
const (
	NeedsNothing = ""
	NeedsFull    = "full"
	NeedsGate    = "gate"
)

// A Need is a word after "sh", and its meaning: the requirement of a block of commands.
type Need struct {
	Word    string
	Meaning string
}

// Needs returns all values of Need. The first Need has an empty word, for a block without requirements.
func Needs() []Need {
	return []Need{
		{NeedsNothing, "nothing: the gate runs it"},
		{NeedsFull, "more time: only `.ci/run --full` runs it"},
		{NeedsGate, "nothing: a separate step of the gate runs it"},
		{"bench", "a machine without other work, and a few minutes"},
		{"cloud", "a project of Google Cloud"},
		{"data", "files that are not in this repository"},
		{"gpu", "a GPU, and weights"},
		{"network", "a registry of packages or images"},
		{"program", "a program other than Go's tools, such as docker"},
		{"server", "a running server, of a model or of Harvest"},
	}
}
