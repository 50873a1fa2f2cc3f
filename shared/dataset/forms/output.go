package forms

// An output is a form for converted records. All values of a key have one type, because loaders refuse a column with
// two types.
type output struct {
	name string
	// images is the key of the list of images. It is empty if images are named in content parts.
	images string
	// turns is the key of the list of turns. role and content are keys of a turn. human and model are values of role.
	turns, role, content, human, model string
	// inParts reports whether the content of a turn is a list of parts, some of which are images.
	inParts bool
	// keepsPaths reports whether the form has a place for the earlier names of images.
	keepsPaths bool
	// single reports whether the field images is a text for one image, a list for several images, and absent if there are
	// no images. Its values have two types, for a program that makes no columns.
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

// Names of the forms for converted records.
const (
	// LLaVA, Swift and ShareGPT are the forms of LLaVA, of ms-swift, and of LLaMA-Factory.
	LLaVA, Swift, ShareGPT = "llava", "swift", "sharegpt"
	// LLaVATrainer is the form for LLaVA's own trainer, which joins the text in the field image with the name of a folder.
	// Only exports use this form. Source: llava/train/train.py of LLaVA and LLaVA-NeXT, __getitem__.
	LLaVATrainer = "llava-trainer"
	// TRL is the form of messages with parts, and a list of images. Only this form has a prompt and its completion.
	TRL = "trl"
	// WebDataset is the name of a tar whose records have the form of LLaVA and name members of the tar.
	WebDataset = "webdataset"
	// Parquet is the name of a Parquet file whose records have the form of ShareGPT. Its column images has the type of
	// Hugging Face's images.
	Parquet = "parquet"
)

// ImagesField is the field of a record in Parquet that has the images.
const ImagesField = "images"

// Outputs returns the names of the forms to which users can convert records.
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
