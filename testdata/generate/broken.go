package main

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
)

// A specimen is one record of the broken dataset as it stands in the manifest.
type specimen struct {
	id     string // as a run reports it
	raw    string // JSON, or what pretends to be
	status string // "" for a record that must be scored
	reason string // how the reason of one that is not begins
}

// An expectation is what a run has to say about a record that is not scored.
type expectation struct {
	ID           string `json:"id"`
	Status       string `json:"status"`
	ReasonPrefix string `json:"reason_prefix"`
}

// newBroken is a dataset with one record per kind of fault between good ones, as a JSON array and as
// JSON lines, with the list of what is to be found.
func newBroken() ([]file, error) {
	files, err := brokenImages()
	if err != nil {
		return nil, err
	}
	pixel, err := encoded(func(b *bytes.Buffer) error { return png.Encode(b, plain(4, 4)) })
	if err != nil {
		return nil, err
	}
	expected := map[string][]expectation{}
	for _, manifest := range []string{"dataset.json", "dataset.jsonl"} {
		var records []string
		expected[manifest] = []expectation{}
		for _, p := range specimens(manifest, pixel) {
			records = append(records, p.raw)
			if p.status != "" {
				expected[manifest] = append(expected[manifest], expectation{p.id, p.status, p.reason})
			}
		}
		text := strings.Join(records, "\n") + "\n"
		if manifest == "dataset.json" {
			text = "[\n " + strings.Join(records, ",\n ") + "\n]\n"
			files = append(files, file{"truncated.json", []byte(text[:strings.Index(text, `"bird-0002"`)+40])})
		}
		files = append(files, file{manifest, []byte(text)})
	}
	list, err := indented(expected)
	if err != nil {
		return nil, fmt.Errorf("encoding expected.json: %w", err)
	}
	prose := "Dear colleague,\n\nthe samples you asked for will follow next week. This file only looks like a manifest.\n"
	return append(files, file{"expected.json", list}, file{"not-json.json", []byte(prose)}), nil
}

// specimens are the records of a manifest. The JSON array has a record that is broken inside balanced
// brackets, the lines have one that is cut off; all others stand in both.
func specimens(manifest string, pixel []byte) []specimen {
	ask := func(question, answer string) string {
		return fmt.Sprintf(`[{"from": "human", "value": %s}, {"from": "gpt", "value": %s}]`, quoted(question), quoted(answer))
	}
	var all []specimen
	record := func(id, fields, status, reason string) {
		all = append(all, specimen{id, fmt.Sprintf(`{"id": %s, "data_source": %s, %s}`, quoted(id), quoted(strings.SplitN(id, "-", 2)[0]), fields), status, reason})
	}
	good := func(id, image, question, answer string) {
		record(id, fmt.Sprintf(`"image": %s, "conversations": %s`, quoted(image), ask(question, answer)), "", "")
	}
	failed := func(id, fields, kind string) { record(id, fields, "failed", kind+": ") }
	// bare is a record whose id or source is not the usual; element is its id where it has none.
	bare := func(id, raw, status, reason string) {
		all = append(all, specimen{id, raw, status, reason})
	}
	unnamed := func() string { return fmt.Sprintf("%s#%d", manifest, len(all)+1) }
	sound := ask("<image>\nWhat is the main colour?", "Green")

	good("bird-0001", "birds/0001.png", "<image>\nWhat is the colour of the image?", "Green")
	bare(unnamed(), "7", "failed", "not a JSON object: ")
	good("bird-0002", "birds/0002.jpg", "<image>\nDescribe the picture in detail.", "The picture is filled with one even green, without any edge, text or object in it.")
	if manifest == "dataset.json" {
		bare(unnamed(), `{"id": tru, "conversations": []}`, "failed", "not a JSON object: ")
	} else {
		bare(unnamed(), `{"id": "bird-0003", "conversations": [{"from": "human", "val`, "failed", "not a JSON object: ")
	}
	good("leaf-0001", "leaves/0001.png", "<image>\nIs the picture blue? Answer yes or no.", "No")
	failed("leaf-no-conversations", `"image": "leaves/0001.png"`, "no conversation")
	failed("leaf-empty-conversations", `"image": "leaves/0001.png", "conversations": []`, "no conversation")
	failed("leaf-conversations-string", `"image": "leaves/0001.png", "conversations": "What is this?"`, "wrong type")
	failed("leaf-unknown-role", `"conversations": [{"from": "narrator", "value": "Once upon a time"}, {"from": "gpt", "value": "Yes"}]`, "unknown role")
	good("leaf-0002", "leaves/0001.png", "<image>\nName the colour as a hexadecimal code, nothing else.", "#3C8C46")
	failed("leaf-two-questions", `"conversations": [{"from": "human", "value": "Red?"}, {"from": "human", "value": "Or blue?"}, {"from": "gpt", "value": "Blue"}]`, "roles do not alternate")
	failed("leaf-answer-first", `"conversations": [{"from": "gpt", "value": "Hello"}, {"from": "human", "value": "Hello"}]`, "roles do not alternate")
	failed("leaf-empty-value", `"conversations": [{"from": "human", "value": ""}, {"from": "gpt", "value": "Nothing"}]`, "empty turn")
	failed("leaf-value-number", `"conversations": [{"from": "human", "value": 42}, {"from": "gpt", "value": "Why?"}]`, "wrong type")
	failed("leaf-no-answer", `"conversations": [{"from": "human", "value": "Anybody there?"}]`, "no answer")
	good("bird-0004", "birds/0002.jpg", "<image>\nWhich shape fills the picture?\nA. A circle\nB. None\nAnswer with the option's letter.", "B")
	failed("bird-image-without-mark", `"image": "birds/0001.png", "conversations": `+ask("What is it?", "Green"), "image count")
	failed("bird-mark-without-image", `"conversations": `+ask("<image>\nWhat is it?", "Green"), "image count")
	failed("bird-two-marks", `"image": "birds/0001.png", "conversations": `+ask("<image>\n<image>\nWhat differs?", "Nothing"), "image count")
	failed("bird-absolute", `"image": "/etc/hostname", "conversations": `+sound, "unsafe image name")
	failed("bird-escape", `"image": "birds/../../demo/dataset.json", "conversations": `+sound, "unsafe image name")
	failed("bird-http", `"image": "http://example.com/bird.png", "conversations": `+sound, "unsafe image name")
	failed("bird-data-url", `"image": "data:image/png;base64,%%%not-base64%%%", "conversations": `+sound, "broken image data")
	record("bird-0001", `"image": "birds/0001.png", "conversations": `+sound, "skipped", "duplicate id: ")
	good("leaf-0003", "leaves/0001.png", "<image>\nWhy could a leaf look like this? Explain in two steps.", "First, chlorophyll absorbs red and blue light. Second, the green light that is left is reflected, so the leaf looks green.")
	for _, f := range []struct{ id, image, kind string }{
		{"bird-missing-file", "birds/9999.png", "image not found"},
		{"bird-empty-file", "birds/empty.png", "image empty"},
		{"bird-too-large", "birds/bomb.png", "image too large"},
		{"bird-text-file", "birds/text.png", "image format unknown"},
		{"bird-truncated-png", "birds/truncated.png", "image does not decode"},
		{"bird-truncated-jpeg", "birds/truncated.jpg", "image does not decode"},
	} {
		failed(f.id, fmt.Sprintf(`"image": %s, "conversations": %s`, quoted(f.image), sound), f.kind)
	}
	good("bird-0005", "birds/0001.png", "<image>\nGive the box of the whole picture as [x1, y1, x2, y2].", "[0.00, 0.00, 1.00, 1.00]")
	good("leaf-0004", "leaves/0001.png", "<image>\nCaption this image.", "A plain green field.")

	// From here on the records are odd but sound.
	record("leaf-odd-keys", `"image": "leaves/0001.png", "weight": 0.5, "conversations": [{"from": "human", "value": "<image>\nColour?", "markdown": null, "time": 3}, {"from": "gpt", "value": "Green", "text": {"a": [1]}}]`, "", "")
	bare("1234567", `{"id": 1234567, "data_source": "leaf", "image": "leaves/0001.png", "conversations": `+sound+`}`, "", "")
	bare(unnamed(), `{"data_source": "leaf", "image": "leaves/0001.png", "conversations": `+sound+`}`, "", "")
	record("leaf-image-null", `"image": null, "conversations": `+ask("What is 6 x 7?", "42"), "", "")
	record("leaf-image-blank", `"image": "", "conversations": `+ask("Name a green fruit.", "A lime"), "", "")
	record("leaf-image-list", `"image": ["leaves/0001.png"], "conversations": `+sound, "", "")
	record("leaf-images", `"images": ["leaves/0001.png", "birds/0001.png"], "conversations": `+ask("<image>\n<image>\nWhich image is larger?", "The first"), "", "")
	record("leaf-assistant", `"image": "leaves/0001.png", "conversations": [{"from": "user", "value": "<image>\nColour?"}, {"from": "assistant", "value": "Green"}]`, "", "")
	good("bird-1x1", "birds/dot.png", "<image>\nHow many pixels?", "One")
	good("bird-500x19", "birds/strip.png", "<image>\nIs it wider than high?", "Yes")
	good("bird-cmyk", "birds/cmyk.jpg", "<image>\nColour?", "Dark grey")
	good("bird-16-bit", "birds/deep.png", "<image>\nWhat does the image show?", "A gradient from black to white")
	good("bird-palette", "birds/palette.gif", "<image>\nWhich two colours are there?", "Green and white")
	record("bird-embedded", `"image": "data:image/png;base64,`+base64.StdEncoding.EncodeToString(pixel)+`", "conversations": `+sound, "", "")
	good("leaf-unicode", "leaves/0001.png", "<image>\nWelche Farbe hat das Bild? この画像の色は？ 🍃", "Grün – 緑 – أخضر")
	bare("leaf-no-source", `{"id": "leaf-no-source", "image": "leaves/0001.png", "conversations": `+sound+`}`, "", "")
	return all
}

// quoted is a JSON string whose marks stay readable.
func quoted(s string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic(err) // a string always encodes
	}
	return strings.TrimSpace(b.String())
}

func plain(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		m.SetRGBA(i%w, i/w, rgb(0x3c8c46))
	}
	return m
}

func encoded(encode func(*bytes.Buffer) error) ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b)
	return b.Bytes(), err
}

// brokenImages are the images of the broken dataset, sound and unsound.
func brokenImages() ([]file, error) {
	deep := image.NewGray16(image.Rect(0, 0, 64, 16))
	striped := image.NewPaletted(image.Rect(0, 0, 32, 24), color.Palette{rgb(0x3c8c46), white})
	for i := range 64 * 16 {
		deep.SetGray16(i%64, i/64, color.Gray16{Y: uint16(i % 64 * 1040)})
	}
	for i := range 32 * 24 {
		striped.SetColorIndex(i%32, i/32, uint8(i%32/8%2))
	}
	var files []file
	for _, m := range []struct {
		name   string
		encode func(*bytes.Buffer) error
	}{
		{"birds/0001.png", func(b *bytes.Buffer) error { return png.Encode(b, plain(48, 32)) }},
		{"birds/0002.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, plain(64, 48), nil) }},
		{"leaves/0001.png", func(b *bytes.Buffer) error { return png.Encode(b, plain(96, 64)) }},
		{"birds/dot.png", func(b *bytes.Buffer) error { return png.Encode(b, plain(1, 1)) }},
		{"birds/strip.png", func(b *bytes.Buffer) error { return png.Encode(b, plain(500, 19)) }},
		{"birds/deep.png", func(b *bytes.Buffer) error { return png.Encode(b, deep) }},
		{"birds/palette.gif", func(b *bytes.Buffer) error { return gif.Encode(b, striped, nil) }},
	} {
		data, err := encoded(m.encode)
		if err != nil {
			return nil, fmt.Errorf("encoding %s: %w", m.name, err)
		}
		files = append(files, file{m.name, data})
	}
	bomb, err := bombPNG(12000, 12000)
	if err != nil {
		return nil, fmt.Errorf("encoding birds/bomb.png: %w", err)
	}
	half := func(k int) []byte { return files[k].data[:len(files[k].data)*3/5] }
	return append(files,
		file{"birds/cmyk.jpg", cmykJPEG()},
		file{"birds/bomb.png", bomb},
		file{"birds/empty.png", nil},
		file{"birds/text.png", []byte("This is a text, whatever its name says.\n")},
		file{"birds/truncated.png", half(2)},
		file{"birds/truncated.jpg", half(1)},
	), nil
}

// bombPNG is a complete one-bit image of one colour: a few kilobytes that decode to w x h pixels.
func bombPNG(w, h int) ([]byte, error) {
	var pixels bytes.Buffer
	z, err := zlib.NewWriterLevel(&pixels, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 1+(w+7)/8) // a filter byte and the pixels
	for range h {
		if _, err := z.Write(line); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(w))
	header = binary.BigEndian.AppendUint32(header, uint32(h))
	header = append(header, 1, 0, 0, 0, 0) // one bit, grey, the standard compression and filter, no interlacing
	b := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		name string
		data []byte
	}{{"IHDR", header}, {"IDAT", pixels.Bytes()}, {"IEND", nil}} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(chunk.data)))
		named := append([]byte(chunk.name), chunk.data...)
		b = append(b, named...)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(named))
	}
	return b, nil
}

// cmykJPEG is an image of 16 x 16 pixels in four inks, which image/jpeg reads but cannot write. Every
// block is at mid level, so that no code but 0 is needed: no difference to the block before, and no
// other frequency in it.
func cmykJPEG() []byte {
	b := []byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	b = append(b, 0xff, 0xdb, 0, 67, 0) // quantisation
	b = append(b, bytes.Repeat([]byte{8}, 64)...)
	b = append(b, 0xff, 0xc0, 0, 20, 8, 0, 16, 0, 16, 4) // size, four components
	for id := byte(1); id <= 4; id++ {
		b = append(b, id, 0x11, 0)
	}
	for _, class := range []byte{0x00, 0x10} { // one code of one bit, for the symbol 0
		b = append(b, 0xff, 0xc4, 0, 20, class, 1)
		b = append(b, make([]byte, 16)...)
	}
	b = append(b, 0xff, 0xda, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)
	b = append(b, make([]byte, 4*4*2/8)...) // four blocks of four components, two codes each
	return append(b, 0xff, 0xd9)
}
