// Command gormgin reads the ticket's row for every request, as many
// home-made signers do.
package main

import (
	"github.com/gin-gonic/gin"
	"gorm.io/driver/mysql"
	"gorm.io/gorm"

	"github.com/wxsign/wxsign/bench/peer"
)

type ticketRow struct {
	AppID  string `gorm:"primaryKey;size:64"`
	Ticket string `gorm:"size:512"`
}

func main() {
	o := peer.Parse()
	db := peer.Must(gorm.Open(mysql.Open(o.DSN), &gorm.Config{}))
	peer.Check(db.AutoMigrate(&ticketRow{}))
	ideal := peer.Must(peer.NewIdeal(o))
	peer.Check(db.Save(&ticketRow{AppID: o.AppID, Ticket: ideal.Ticket()}).Error)
	peer.Gin(o, func(_ *gin.Context, pageURL string) (any, error) {
		var row ticketRow
		if err := db.First(&row, "app_id = ?", o.AppID).Error; err != nil {
			return nil, err
		}
		return peer.SignWith(o.AppID, row.Ticket, pageURL), nil
	})
}
