package events

import "embed"

// Schemas are the JSON Schemas of the events' data: schema/<type>.v1.json.
//
//go:embed schema/*.json
var Schemas embed.FS
