package scorer

// TaughtKind is the prefix of the kind of an embedded scorer that was trained on a teacher's annotations. The key of
// the training follows (run.Planner.Lesson).
const TaughtKind = "taught:"

// TaughtName returns the name of the object in the work bucket with the weights of a key. UntaughtName returns the name
// of the object with the reason why there are no weights for the key.
func TaughtName(key string) string   { return "teachers/" + key + ".zst" }
func UntaughtName(key string) string { return "teachers/" + key + ".json" }
