package hfparquet

import (
	"bytes"

	"github.com/harvest-ml/harvest/shared/dataset"
	"github.com/harvest-ml/harvest/shared/dataset/container"
)

// Kind returns the kind of Parquet files.
func Kind() container.Kind {
	return container.Kind{
		Format: dataset.Parquet,
		Name:   "a Parquet file",
		Shape:  shape,
		Reads:  reads,
		// A page, and the values of neighbouring rows that were not requested yet.
		HeldBytes: maxPageBytes + heldBytes,
		Is: func(head []byte) bool {
			return bytes.HasPrefix(head, []byte(magic)) || bytes.HasPrefix(head, []byte(encryptedMagic))
		},
		Reader: reader{},
		Writer: writer{},
	}
}

const (
	shape = `id: text, image: {bytes: binary, path: text}, conversations: [{from: text, value: text}], data_source: text
images: [{bytes: binary, path: text}], texts: [{user: text, assistant: text, source: text}]
images: [{bytes: binary, path: text}], messages: [{role: text, content: [{type: text, index: int, text: text}]}]`
	reads = "each row is a sample. Its columns are the fields of a record in any of the forms, as Hugging Face's " +
		"datasets library writes them. Binary columns, alone or in structs {bytes, path}, are images. If bytes is " +
		"null, path is the name of a file. A row without an id gets the name of the file and its number as id. Texts are " +
		"read without the images. A subset has the columns, the compression and the key-value metadata (such as the " +
		"features of datasets) of its source. Encrypted files, files in LZ4, and pages of more than 64 MiB are refused, " +
		"with the command that writes the file again"
)
