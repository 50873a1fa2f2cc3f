package scorer

// TaughtKind begins the kind of an embedded scorer that has learned from a dataset's teacher. The key of the lesson
// follows (run.Planner.Lesson).
const TaughtKind = "taught:"

// TaughtName is the object of the work bucket with the weights that were learned under a key. UntaughtName is the
// object that says why nothing was learned.
func TaughtName(key string) string   { return "teachers/" + key + ".zst" }
func UntaughtName(key string) string { return "teachers/" + key + ".json" }
