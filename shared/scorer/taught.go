package scorer

// TaughtKind begins the kind of an embedded scorer that has learned from a teacher of a dataset; the key of what was
// learned follows (run.Planner.Lesson).
const TaughtKind = "taught:"

// TaughtName is the object of the work bucket with the weights that were learned under a key, and UntaughtName the one
// that says why nothing was.
func TaughtName(key string) string   { return "teachers/" + key + ".zst" }
func UntaughtName(key string) string { return "teachers/" + key + ".json" }
