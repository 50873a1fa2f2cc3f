package export

import (
	"embed"
	"encoding/json"
	"strings"

	"github.com/harvest-ml/harvest/shared/dataset/forms"
)

//go:embed files
var files embed.FS

// A File is a file of an export that a trainer reads next to the records.
type File struct {
	Name    string
	Content []byte
}

// Files returns the files that a trainer needs to find the records. The request must be complete.
func (r Request) Files(datasetName string) ([]File, error) {
	switch {
	case r.For == LLaMAFactory:
		type object = map[string]any
		info, err := json.MarshalIndent(object{datasetName: object{
			"file_name": r.Records(), "formatting": "sharegpt",
			"columns": object{"messages": "conversations", "images": forms.ImagesField},
		}}, "", "  ")
		return []File{{"dataset_info.json", append(info, '\n')}}, err
	case r.For == Swift:
		return copyOf("ms-swift.yaml", "args.yaml")
	case r.For == TRL && !r.InParquet():
		return copyOf("trl.py", "load.py")
	case r.For == WebDataset:
		return copyOf("webdataset.py", "load.py")
	default:
		return nil, nil
	}
}

// copyOf returns a file of this package under another name.
func copyOf(file, name string) ([]File, error) {
	content, err := files.ReadFile("files/" + file)
	return []File{{name, content}}, err
}

// usage explains in Markdown how the trainer loads the records. The request must be complete.
func (r Request) usage(datasetName string) (string, error) {
	name := r.For
	if r.InParquet() {
		name = HF
	}
	text, err := files.ReadFile("files/" + name + ".md.tmpl")
	return strings.ReplaceAll(string(text), "DATASET", datasetName), err
}
