-- Texts are plain, but for the site and the type. A dictionary for each made merges,
-- most of what storing an event costs, take twice as long: whenever rows of different
-- parts follow each other, each text is looked up in the dictionary of the new part,
-- and a list or a map makes one for itself. On the disk they take the same, being
-- compressed. What is stored already is rewritten in the background, and read
-- as it is meanwhile.
{{define "plain"}}
    MODIFY COLUMN name         String,
    MODIFY COLUMN utm_source   String,
    MODIFY COLUMN utm_medium   String,
    MODIFY COLUMN utm_campaign String,
    MODIFY COLUMN utm_term     String,
    MODIFY COLUMN utm_content  String,
    MODIFY COLUMN language     String,
    MODIFY COLUMN timezone     String,
    MODIFY COLUMN app_version  String,
    MODIFY COLUMN country      String,
    MODIFY COLUMN region       String,
    MODIFY COLUMN age_band     String,
    MODIFY COLUMN gender       String,
    MODIFY COLUMN ad_network   String,
    MODIFY COLUMN ad_campaign  String,
    MODIFY COLUMN ad_creative  String,
    MODIFY COLUMN ad_placement String,
    MODIFY COLUMN currency     String,
    MODIFY COLUMN properties        Map(String, String),
    MODIFY COLUMN properties_number Map(String, Float64),
    MODIFY COLUMN outcome      String,
    MODIFY COLUMN reason       String,
    MODIFY COLUMN policy       String,
    MODIFY COLUMN jurisdiction String,
    MODIFY COLUMN purposes     Array(String)
SETTINGS alter_sync = 0
{{end}}
ALTER TABLE {{.Local "events"}}{{.OnCluster}} {{template "plain"}};

{{if .Cluster}}
ALTER TABLE {{.Name "events"}}{{.OnCluster}} {{template "plain"}};
{{end}}
