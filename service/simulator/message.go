package simulator

import (
	"crypto/rand"
	"encoding/json"
)

// customSend is POST message/custom/send ("Customer service messages"): it
// checks what every message has and delivers nothing.
func (s *Simulator) customSend(c *call) (any, error) {
	var message struct {
		To   string          `json:"touser"`
		Type string          `json:"msgtype"`
		Text json.RawMessage `json:"text"`
	}
	if err := c.readJSON(&message); err != nil {
		return nil, err
	}
	switch {
	case message.To == "":
		return nil, fail(40003)
	case !oneOf(message.Type, "text", "image", "voice", "video", "music", "news", "mpnews", "mpnewsarticle",
		"msgmenu", "wxcard", "miniprogrampage"):
		return nil, fail(40008)
	case message.Type == "text" && len(message.Text) == 0:
		return nil, fail(44004)
	}
	return okBody(), nil
}

// draftAdd is POST draft/add ("Drafts"): articles become a media_id.
func (s *Simulator) draftAdd(c *call) (any, error) {
	var draft struct {
		Articles []struct {
			Title   string `json:"title"`
			Content string `json:"content"`
		} `json:"articles"`
	}
	if err := c.readJSON(&draft); err != nil {
		return nil, err
	}
	if len(draft.Articles) == 0 {
		return nil, fail(44003)
	}
	for _, article := range draft.Articles {
		if article.Title == "" || article.Content == "" {
			return nil, fail(44004)
		}
	}
	return struct {
		MediaID string `json:"media_id"`
	}{rand.Text() + rand.Text()}, nil
}
