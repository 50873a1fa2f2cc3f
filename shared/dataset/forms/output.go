package forms

// An output is a form that records are converted to. Each of its keys has one type, because loaders refuse a column
// with two types.
type output struct {
	name string
	// images is the key of the list of images, empty where images are parts of the turns that name them.
	images string
	// turns is the key of the list of turns; role, content, human and model name what is in them.
	turns, role, content, human, model string
	// inParts says that a turn is a list of parts, and that an image is one of these parts.
	inParts bool
	// keepsPaths says that the form has a place for the earlier names of images.
	keepsPaths bool
	// single says that images is the name of a single image, a list of several, and no field where there is none: so its
	// key has two types, for a program that makes no columns.
	single bool
}

var outputs = []output{
	{LLaVA, "image", "conversations", "from", "value", "human", "gpt", false, false, false},
	{LLaVATrainer, "image", "conversations", "from", "value", "human", "gpt", false, false, true},
	{"openai", "", "messages", "role", "content", "user", "assistant", true, false, false},
	{Swift, "images", "messages", "role", "content", "user", "assistant", false, false, false},
	{ShareGPT, "images", "conversations", "from", "value", "human", "gpt", false, false, false},
	{TRL, "images", "messages", "role", "content", "user", "assistant", true, false, false},
	{WebDataset, "image", "conversations", "from", "value", "human", "gpt", false, false, false},
	{Parquet, "images", "conversations", "from", "value", "human", "gpt", false, true, false},
}

// Names of forms that records are converted to.
const (
	// LLaVA, Swift and ShareGPT are those of LLaVA, of ms-swift, and of LLaMA-Factory.
	LLaVA, Swift, ShareGPT = "llava", "swift", "sharegpt"
	// LLaVATrainer is that of LLaVA's own trainer, which joins the field image with a folder's name. It is for exports
	// alone. Source: llava/train/train.py of LLaVA and LLaVA-NeXT, __getitem__.
	LLaVATrainer = "llava-trainer"
	// TRL is that of messages with parts, and a list of images. Only this form has a prompt and its completion.
	TRL = "trl"
	// WebDataset is the name of the form that is a tar: its records are those of LLaVA, and name members.
	WebDataset = "webdataset"
	// Parquet is the name of the form that is a Parquet file: its records are those of ShareGPT, and images is a column
	// of Hugging Face's images.
	Parquet = "parquet"
)

// ImagesField is the field of a record in Parquet that holds its images.
const ImagesField = "images"

// Outputs are the names of the forms that users convert records to.
func Outputs() []string {
	var names []string
	for _, o := range outputs {
		if !o.single {
			names = append(names, o.name)
		}
	}
	return names
}

// pairs reports whether the form has a place for a prompt and its completion.
func (o output) pairs() bool { return o.name == TRL }
