BEGIN TRANSACTION;
CREATE TABLE "auth_group" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "name" varchar(150) NOT NULL UNIQUE);
INSERT INTO "auth_group" VALUES(1,'Chat moderators');
CREATE TABLE "auth_group_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED, "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
INSERT INTO "auth_group_permissions" VALUES(1,1,32);
INSERT INTO "auth_group_permissions" VALUES(2,1,4);
INSERT INTO "auth_group_permissions" VALUES(3,1,5);
INSERT INTO "auth_group_permissions" VALUES(4,1,6);
INSERT INTO "auth_group_permissions" VALUES(5,1,8);
INSERT INTO "auth_group_permissions" VALUES(6,1,10);
INSERT INTO "auth_group_permissions" VALUES(7,1,11);
INSERT INTO "auth_group_permissions" VALUES(8,1,12);
INSERT INTO "auth_group_permissions" VALUES(9,1,16);
INSERT INTO "auth_group_permissions" VALUES(10,1,25);
INSERT INTO "auth_group_permissions" VALUES(11,1,30);
INSERT INTO "auth_group_permissions" VALUES(12,1,31);
CREATE TABLE "auth_permission" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "content_type_id" integer NOT NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED, "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL);
INSERT INTO "auth_permission" VALUES(1,1,'add_chatsession','Can add thread');
INSERT INTO "auth_permission" VALUES(2,1,'change_chatsession','Can change thread');
INSERT INTO "auth_permission" VALUES(3,1,'delete_chatsession','Can delete thread');
INSERT INTO "auth_permission" VALUES(4,1,'view_chatsession','Can view thread');
INSERT INTO "auth_permission" VALUES(5,1,'read_transcript','Can read conversations');
INSERT INTO "auth_permission" VALUES(6,1,'moderate','Can lock and close threads, and hide messages');
INSERT INTO "auth_permission" VALUES(7,1,'redact','Can redact messages for good');
INSERT INTO "auth_permission" VALUES(8,1,'hold','Can put threads on hold');
INSERT INTO "auth_permission" VALUES(9,1,'export','Can export conversations');
INSERT INTO "auth_permission" VALUES(10,1,'note','Can write notes on threads');
INSERT INTO "auth_permission" VALUES(11,1,'label','Can label threads');
INSERT INTO "auth_permission" VALUES(12,1,'assign','Can assign threads and reports to moderators');
INSERT INTO "auth_permission" VALUES(13,2,'add_chatmessage','Can add message');
INSERT INTO "auth_permission" VALUES(14,2,'change_chatmessage','Can change message');
INSERT INTO "auth_permission" VALUES(15,2,'delete_chatmessage','Can delete message');
INSERT INTO "auth_permission" VALUES(16,2,'view_chatmessage','Can view message');
INSERT INTO "auth_permission" VALUES(17,3,'add_chatattachment','Can add attachment');
INSERT INTO "auth_permission" VALUES(18,3,'change_chatattachment','Can change attachment');
INSERT INTO "auth_permission" VALUES(19,3,'delete_chatattachment','Can delete attachment');
INSERT INTO "auth_permission" VALUES(20,3,'view_chatattachment','Can view attachment');
INSERT INTO "auth_permission" VALUES(21,4,'add_chatfiletoremove','Can add file to remove');
INSERT INTO "auth_permission" VALUES(22,4,'change_chatfiletoremove','Can change file to remove');
INSERT INTO "auth_permission" VALUES(23,4,'delete_chatfiletoremove','Can delete file to remove');
INSERT INTO "auth_permission" VALUES(24,4,'view_chatfiletoremove','Can view file to remove');
INSERT INTO "auth_permission" VALUES(25,5,'view_moderationrecord','Can view moderation record');
INSERT INTO "auth_permission" VALUES(26,6,'add_chatmodelturn','Can add model turn');
INSERT INTO "auth_permission" VALUES(27,6,'change_chatmodelturn','Can change model turn');
INSERT INTO "auth_permission" VALUES(28,6,'delete_chatmodelturn','Can delete model turn');
INSERT INTO "auth_permission" VALUES(29,6,'view_chatmodelturn','Can view model turn');
INSERT INTO "auth_permission" VALUES(30,7,'view_chatreport','Can view report');
INSERT INTO "auth_permission" VALUES(31,7,'handle_reports','Can take, resolve and dismiss reports');
INSERT INTO "auth_permission" VALUES(32,8,'suspend','Can suspend people');
INSERT INTO "auth_permission" VALUES(33,9,'add_logentry','Can add log entry');
INSERT INTO "auth_permission" VALUES(34,9,'change_logentry','Can change log entry');
INSERT INTO "auth_permission" VALUES(35,9,'delete_logentry','Can delete log entry');
INSERT INTO "auth_permission" VALUES(36,9,'view_logentry','Can view log entry');
INSERT INTO "auth_permission" VALUES(37,10,'add_permission','Can add permission');
INSERT INTO "auth_permission" VALUES(38,10,'change_permission','Can change permission');
INSERT INTO "auth_permission" VALUES(39,10,'delete_permission','Can delete permission');
INSERT INTO "auth_permission" VALUES(40,10,'view_permission','Can view permission');
INSERT INTO "auth_permission" VALUES(41,11,'add_group','Can add group');
INSERT INTO "auth_permission" VALUES(42,11,'change_group','Can change group');
INSERT INTO "auth_permission" VALUES(43,11,'delete_group','Can delete group');
INSERT INTO "auth_permission" VALUES(44,11,'view_group','Can view group');
INSERT INTO "auth_permission" VALUES(45,12,'add_user','Can add user');
INSERT INTO "auth_permission" VALUES(46,12,'change_user','Can change user');
INSERT INTO "auth_permission" VALUES(47,12,'delete_user','Can delete user');
INSERT INTO "auth_permission" VALUES(48,12,'view_user','Can view user');
INSERT INTO "auth_permission" VALUES(49,13,'add_contenttype','Can add content type');
INSERT INTO "auth_permission" VALUES(50,13,'change_contenttype','Can change content type');
INSERT INTO "auth_permission" VALUES(51,13,'delete_contenttype','Can delete content type');
INSERT INTO "auth_permission" VALUES(52,13,'view_contenttype','Can view content type');
INSERT INTO "auth_permission" VALUES(53,14,'add_session','Can add session');
INSERT INTO "auth_permission" VALUES(54,14,'change_session','Can change session');
INSERT INTO "auth_permission" VALUES(55,14,'delete_session','Can delete session');
INSERT INTO "auth_permission" VALUES(56,14,'view_session','Can view session');
CREATE TABLE "auth_user" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL, "last_login" datetime NULL, "is_superuser" bool NOT NULL, "username" varchar(150) NOT NULL UNIQUE, "last_name" varchar(150) NOT NULL, "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL, "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL);
INSERT INTO "auth_user" VALUES(1,'!CrITFqzQ0Ns7gA7XxcovIuQgjFcpzk5Wpsa956uP',NULL,1,'admin','','',1,1,'2026-11-28 11:19:59.665735','');
CREATE TABLE "auth_user_groups" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "group_id" integer NOT NULL REFERENCES "auth_group" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "auth_user_user_permissions" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "permission_id" integer NOT NULL REFERENCES "auth_permission" ("id") DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE "chat_attachments" ("file_id" char(32) NOT NULL PRIMARY KEY, "user_id" varchar(255) NOT NULL, "attachment_id" varchar(255) NOT NULL, "name" text NOT NULL, "mime_type" text NOT NULL, "payload" text NOT NULL, "created_at" datetime NOT NULL, "hidden_at" datetime NULL, "session_id" char(32) NULL REFERENCES "chat_sessions" ("session_id") DEFERRABLE INITIALLY DEFERRED, "message_id" char(32) NULL, "path" varchar(255) NOT NULL, "size" bigint unsigned NOT NULL CHECK ("size" >= 0), "uploaded_at" datetime NULL);
INSERT INTO "chat_attachments" VALUES('101a7eff2fe7588bb1532aef37cc34ad','ann','atc_bare','a.txt','text/plain','{"id":"atc_bare","name":"a.txt","mime_type":"text/plain","upload_descriptor":null,"thread_id":null,"metadata":null,"type":"file"}','2026-11-28 11:19:59.701919',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','49f42132486f50808fd8905a7fb4a251','chatstore/sent.txt',17,'2026-11-28 11:19:59.701924');
INSERT INTO "chat_attachments" VALUES('8a067666761a517288e580a7072dac46','ann','atc_kept','a.txt','text/plain','{"id":"atc_kept","name":"a.txt","mime_type":"text/plain","upload_descriptor":null,"thread_id":null,"metadata":null,"type":"file"}','2026-11-28 11:19:59.702482',NULL,NULL,NULL,'chatstore/kept.txt',17,'2026-11-28 11:19:59.702484');
CREATE TABLE "chat_files_to_remove" ("path" varchar(255) NOT NULL PRIMARY KEY, "scheduled_at" datetime NOT NULL, "due_at" datetime NOT NULL, "tries" integer unsigned NOT NULL CHECK ("tries" >= 0));
INSERT INTO "chat_files_to_remove" VALUES('chatstore/17/7b151a520c4ced2a201c729d79bac8','2026-11-28 11:20:00.164766','2026-11-29 11:20:00.164766',0);
CREATE TABLE "chat_messages" ("message_id" char(32) NOT NULL PRIMARY KEY, "user_id" varchar(255) NOT NULL, "item_id" varchar(255) NOT NULL, "item_type" varchar(32) NOT NULL, "item_status" varchar(16) NOT NULL, "sender_type" varchar(16) NOT NULL, "content" text NOT NULL, "timestamp" datetime NOT NULL, "payload" text NOT NULL, "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)), "feedback" varchar(16) NOT NULL, "hidden_at" datetime NULL, "hidden_by" varchar(255) NOT NULL, "redacted_at" datetime NULL, "session_id" char(32) NOT NULL REFERENCES "chat_sessions" ("session_id") DEFERRABLE INITIALLY DEFERRED, "ending" varchar(16) DEFAULT '' NOT NULL, CONSTRAINT "chat_messages_position" UNIQUE ("user_id", "session_id", "timestamp"));
INSERT INTO "chat_messages" VALUES('49f42132486f50808fd8905a7fb4a251','ann','msg_user','user_message','','user','You said
Hello 🐘  <b>&amp;
@ann
a.txt','2026-11-28 11:19:56.123456','{"id":"msg_user","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello 🐘  <b>&amp;"},{"type":"input_tag","id":"t","text":"@ann","data":{"n":1},"group":"people","interactive":false}],"attachments":[{"id":"atc_bare","name":"a.txt","mime_type":"text/plain","upload_descriptor":null,"thread_id":null,"metadata":null,"type":"file"}],"quoted_text":"You said","inference_options":{"tool_choice":{"id":"web"},"model":"m"}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('1c5f7a2ffc76508a92752feaac2ca607','ann','msg_empty','user_message','','user','','2026-11-28 11:19:56.123457','{"id":"msg_empty","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('e2e48ab5a6035f7a8c647b1f5e5bdd22','ann','msg_answer','assistant_message','','assistant','Hi','2026-11-28 11:19:56.123458','{"id":"msg_answer","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"assistant_message","content":[{"annotations":[{"type":"annotation","source":{"title":"Site","description":null,"timestamp":null,"group":null,"type":"url","url":"https://example.com/","attribution":"Example"},"index":1},{"type":"annotation","source":{"title":"Paper","description":"On elephants","timestamp":null,"group":null,"type":"file","filename":"paper.pdf"},"index":null}],"text":"Hi","type":"output_text"},{"annotations":[],"text":"","type":"output_text"}]}','{}','','2026-11-28 11:20:00.049790','carol',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('863352e3c1a25dc9b3c652feb87b3816','ann','tc_pending','client_tool_call','pending','tool','locate','2026-11-28 11:19:56.123459','{"id":"tc_pending","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"client_tool_call","status":"pending","call_id":"call_1","name":"locate","arguments":{"deep":[{"er":null}]},"output":null}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('a22bf04fee9c5c27b177715c4305ab32','ann','tc_done','client_tool_call','completed','tool','locate
x','2026-11-28 11:19:56.123460','{"id":"tc_done","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"client_tool_call","status":"completed","call_id":"call_1","name":"locate","arguments":{},"output":{"result":[1,2.5,"x",null]}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('f15dd1ed26ee5df1959b75e5f8213fa6','ann','msg_card','widget','','assistant','Title','2026-11-28 11:19:56.123461','{"id":"msg_card","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"widget","widget":{"type":"Card","children":[{"type":"Text","value":"Title","weight":"medium"},{"type":"Text","value":"test"}]},"copy_text":"Title"}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('720ca6cce3f05e7ea8e148bd9ad5e30b','ann','msg_image','generated_image','','assistant','','2026-11-28 11:19:56.123462','{"id":"msg_image","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"generated_image","image":{"id":"img","url":"data:,"}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('47a57415ee4059d5950bbe071d4d91fe','ann','msg_no_image','generated_image','','assistant','','2026-11-28 11:19:56.123463','{"id":"msg_no_image","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"generated_image","image":null}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('06ef0cb1253c5bb881240f7429cde5b4','ann','msg_asked','structured_input','pending','assistant','Why?','2026-11-28 11:19:56.123464','{"id":"msg_asked","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"structured_input","status":"pending","inputs":[{"id":"why","question":"Why?","answer":null,"type":"freeform","description":"Briefly"}]}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('ab834b50580e590b9607fa62dc203be9','ann','msg_answered','structured_input','answered','assistant','Which?
red
own','2026-11-28 11:19:56.123465','{"id":"msg_answered","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"structured_input","status":"answered","inputs":[{"id":"colour","question":"Which?","answer":{"values":["red","own"],"skipped":false},"type":"multiple_choice","options":[{"value":"red"}],"multiple":true}]}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('6c6a0a1a66dc58e293d32e026228f5aa','ann','msg_skipped','structured_input','skipped','assistant','','2026-11-28 11:19:56.123466','{"id":"msg_skipped","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"structured_input","status":"skipped","inputs":[]}','{}','',NULL,'','2026-11-28 11:20:00.069339','0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('90a722f88fb450f3850b3a8f9a946873','ann','wf_full','workflow','','assistant','Done
Look
**here**
Search
a
b
Site
Think
Hm
Read
Paper
Draw','2026-11-28 11:19:56.123467','{"id":"wf_full","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"workflow","workflow":{"type":"reasoning","tasks":[{"status_indicator":"loading","type":"custom","title":"Look","icon":"search","content":"**here**"},{"status_indicator":"none","type":"web_search","title":"Search","title_query":"q","queries":["a","b"],"sources":[{"title":"Site","description":null,"timestamp":null,"group":null,"type":"url","url":"https://example.com/","attribution":"Example"}]},{"status_indicator":"none","type":"thought","title":"Think","content":"Hm"},{"status_indicator":"none","type":"file","title":"Read","sources":[{"title":"Paper","description":"On elephants","timestamp":null,"group":null,"type":"file","filename":"paper.pdf"}]},{"status_indicator":"none","type":"image","title":"Draw"}],"summary":{"title":"Done","icon":null},"expanded":true}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('ac63d450508258509726366823fc82d8','ann','tsk_1','task','','assistant','Search
a
b
Site','2026-11-28 11:19:56.123468','{"id":"tsk_1","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"task","task":{"status_indicator":"none","type":"web_search","title":"Search","title_query":"q","queries":["a","b"],"sources":[{"title":"Site","description":null,"timestamp":null,"group":null,"type":"url","url":"https://example.com/","attribution":"Example"}]}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('a696a591575956928329c47c8c28c156','ann','hcx_any','hidden_context_item','','system','thing','2026-11-28 11:19:56.123469','{"id":"hcx_any","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"hidden_context_item","content":{"any":["thing",1,null]}}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('15dc5c15aa8a5e739eb69ebedbb77368','ann','shcx_1','sdk_hidden_context','','system','for the SDK','2026-11-28 11:19:56.123470','{"id":"shcx_1","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"sdk_hidden_context","content":"for the SDK"}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('393d1bb4ea3f502b8f830a251d17c020','ann','msg_end','end_of_turn','','system','','2026-11-28 11:19:56.123471','{"id":"msg_end","thread_id":"thr_items","created_at":"2026-11-28T11:19:56.123456","type":"end_of_turn"}','{}','',NULL,'',NULL,'0b538dcf1c8b5d5aa9f130077999aab8','');
INSERT INTO "chat_messages" VALUES('430c0c04387e50e0bcbb8f044b8b75a7','ann','msg_1','user_message','','user','Hello','2026-11-28 11:19:56.123456','{"id":"msg_1","thread_id":"thr_pinned","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'2add1eaff4da5ffd8b1e34b4721ee386','');
INSERT INTO "chat_messages" VALUES('02e5e89c8ece54c39d1aa0ff0aeac67d','ann','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:19:56.123457','{"id":"msg_2","thread_id":"thr_pinned","created_at":"2026-11-28T11:19:56.123456","type":"assistant_message","content":[{"annotations":[],"text":"Hi","type":"output_text"}]}','{}','',NULL,'',NULL,'2add1eaff4da5ffd8b1e34b4721ee386','');
INSERT INTO "chat_messages" VALUES('171c3880ecb158fba55f70dc0eb69b7b','ann','msg_1','user_message','','user','Hello','2026-11-28 11:19:56.123456','{"id":"msg_1","thread_id":"thr_archived","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'afb387030db55a30a8aaadc50330d15f','');
INSERT INTO "chat_messages" VALUES('da6aecfd074557f799722608b3b9e41c','ann','msg_1','user_message','','user','Hello','2026-11-28 11:19:56.123456','{"id":"msg_1","thread_id":"thr_shared","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'9088923f2d8459509999ee21d4e0319a','');
INSERT INTO "chat_messages" VALUES('d32cf00dd459524cb9e481830beecee9','ann','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:19:56.123457','{"id":"msg_2","thread_id":"thr_shared","created_at":"2026-11-28T11:19:56.123456","type":"assistant_message","content":[{"annotations":[],"text":"Hi","type":"output_text"}]}','{}','',NULL,'',NULL,'9088923f2d8459509999ee21d4e0319a','');
INSERT INTO "chat_messages" VALUES('97e2118e6080520fbda5a61c696d887d','ann','msg_1','user_message','','user','Hello','2026-11-28 11:19:56.123456','{"id":"msg_1","thread_id":"thr_closed_by_moderator","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'edae23a09c455399ab088ff6f5fdbbbb','');
INSERT INTO "chat_messages" VALUES('2903b281540f51e4810385c115a7c7df','Bøb 🐘','msg_1','user_message','','user','Hello','2026-11-28 11:19:56.123456','{"id":"msg_1","thread_id":"thr_held","created_at":"2026-11-28T11:19:56.123456","type":"user_message","content":[{"type":"input_text","text":"Hello"}],"attachments":[],"quoted_text":null,"inference_options":{"tool_choice":null,"model":null}}','{}','',NULL,'',NULL,'6f6775cc26d858fe9a1dca29d355b8f1','');
INSERT INTO "chat_messages" VALUES('b1b3bd29709b573dbc85e70f2b182dc7','Bøb 🐘','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:19:56.123457','{"id":"msg_2","thread_id":"thr_held","created_at":"2026-11-28T11:19:56.123456","type":"assistant_message","content":[{"annotations":[],"text":"Hi","type":"output_text"}]}','{}','',NULL,'',NULL,'6f6775cc26d858fe9a1dca29d355b8f1','');
INSERT INTO "chat_messages" VALUES('9aa6ba80e0575609a20b5634adf6fe21','Bøb 🐘','msg_3','assistant_message','','assistant','Insult','2026-11-28 11:19:56.123458','{"id":"msg_3","thread_id":"thr_held","created_at":"2026-11-28T11:19:56.123456","type":"assistant_message","content":[{"annotations":[],"text":"Insult","type":"output_text"}]}','{}','',NULL,'',NULL,'6f6775cc26d858fe9a1dca29d355b8f1','');
CREATE TABLE "chat_model_turns" ("model_turn_id" char(32) NOT NULL PRIMARY KEY, "user_id" varchar(255) NOT NULL, "turn_id" varchar(255) NOT NULL, "kind" varchar(16) NOT NULL, "after_item_id" varchar(255) NOT NULL, "item_ids" text NOT NULL, "agent" varchar(255) NOT NULL, "model" varchar(255) NOT NULL, "payload" text NOT NULL, "requests" integer unsigned NOT NULL CHECK ("requests" >= 0), "input_tokens" bigint unsigned NOT NULL CHECK ("input_tokens" >= 0), "output_tokens" bigint unsigned NOT NULL CHECK ("output_tokens" >= 0), "first_text_ms" bigint unsigned NULL CHECK ("first_text_ms" >= 0), "duration_ms" bigint unsigned NULL CHECK ("duration_ms" >= 0), "timestamp" datetime NOT NULL, "hidden_at" datetime NULL, "session_id" char(32) NOT NULL REFERENCES "chat_sessions" ("session_id") DEFERRABLE INITIALLY DEFERRED, CONSTRAINT "chat_model_turns_position" UNIQUE ("user_id", "session_id", "timestamp"));
INSERT INTO "chat_model_turns" VALUES('4f521bdd86075d408b0ea7da8fea2e0b','ann','turn_63de17fbc6781f3e68c36daa8199393a','run','msg_user','{"msg_user":"","msg_answer":""}','','','[{"agent":"Clerk","model":"gpt-x","items":[{"type":"function_call","call_id":"call_1","name":"count","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"42 bikes"}]}]',0,0,0,NULL,NULL,'2026-11-28 11:20:00.021280',NULL,'0b538dcf1c8b5d5aa9f130077999aab8');
INSERT INTO "chat_model_turns" VALUES('8795bed168555ca69591d04490c8d197','Bøb 🐘','turn_13ccb6ec99af6a93cbf0bac14ddd0380','run','msg_user','{"msg_user":"","msg_answer":""}','','','[{"agent":"Clerk","model":"gpt-x","items":[{"type":"function_call","call_id":"call_1","name":"count","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"42 bikes"}]}]',0,0,0,NULL,NULL,'2026-11-28 11:20:00.021901',NULL,'6f6775cc26d858fe9a1dca29d355b8f1');
CREATE TABLE "chat_moderation_records" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "created_at" datetime NOT NULL, "staff_id" varchar(255) NOT NULL, "staff_name" varchar(255) NOT NULL, "action" varchar(16) NOT NULL, "reason" text NOT NULL, "thread_id" varchar(255) NOT NULL, "user_id" varchar(255) NOT NULL, "item_ids" text NOT NULL CHECK ((JSON_VALID("item_ids") OR "item_ids" IS NULL)), "found" integer unsigned NULL CHECK ("found" >= 0));
INSERT INTO "chat_moderation_records" VALUES(1,'2026-11-28 11:20:00.029532','','carol','close','Rules of the site','thr_closed_by_moderator','ann','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(2,'2026-11-28 11:20:00.031212','','carol','note','','thr_items','ann','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(3,'2026-11-28 11:20:00.040529','','carol','label','spam, checked','thr_items','ann','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(4,'2026-11-28 11:20:00.048137','','carol','assign','carol','thr_items','ann','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(5,'2026-11-28 11:20:00.063512','','carol','hide','Rules of the site','thr_items','ann','["msg_answer"]',NULL);
INSERT INTO "chat_moderation_records" VALUES(6,'2026-11-28 11:20:00.071487','','carol','redact','Rules of the site','thr_items','ann','["msg_skipped"]',NULL);
INSERT INTO "chat_moderation_records" VALUES(7,'2026-11-28 11:20:00.120149','','carol','hold','Rules of the site','thr_held','Bøb 🐘','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(8,'2026-11-28 11:20:00.157921','','carol','resolve','Rules of the site','thr_held','Bøb 🐘','[]',NULL);
INSERT INTO "chat_moderation_records" VALUES(9,'2026-11-28 11:20:00.162455','','carol','suspend','Rules of the site','','Eve','[]',NULL);
CREATE TABLE "chat_reports" ("report_id" char(32) NOT NULL PRIMARY KEY, "user_id" varchar(255) NOT NULL, "session_id" char(32) NOT NULL, "thread_id" varchar(255) NOT NULL, "item_id" varchar(255) NOT NULL, "reporter" varchar(255) NOT NULL, "source" varchar(16) NOT NULL, "reason" varchar(64) NOT NULL, "words" text NOT NULL, "state" varchar(16) NOT NULL, "open_key" char(32) NULL, "assignee" varchar(255) NOT NULL, "created_at" datetime NOT NULL, "closed_at" datetime NULL, "closed_by" varchar(255) NOT NULL, "resolution" text NOT NULL, CONSTRAINT "chat_reports_one_open" UNIQUE ("user_id", "open_key"));
INSERT INTO "chat_reports" VALUES('dbab93ef7e9f48d1af6075100a66a082','Bøb 🐘','6f6775cc26d858fe9a1dca29d355b8f1','thr_held','msg_3','ann','application','harmful','It is','open','e34b3c0c763857b194609be3694a3492','','2026-11-28 11:20:00.138126',NULL,'','');
INSERT INTO "chat_reports" VALUES('c65cb114ac27443da82e038ad0c9f8fc','Bøb 🐘','6f6775cc26d858fe9a1dca29d355b8f1','thr_held','','','application','other','','resolved',NULL,'','2026-11-28 11:20:00.139239','2026-11-28 11:20:00.139559','carol','Rules of the site');
CREATE TABLE "chat_sessions" ("session_id" char(32) NOT NULL PRIMARY KEY, "thread_id" varchar(255) NOT NULL, "user_id" varchar(255) NOT NULL, "title" text NOT NULL, "status" varchar(16) NOT NULL, "reason" text NOT NULL, "payload" text NOT NULL, "metadata" text NOT NULL CHECK ((JSON_VALID("metadata") OR "metadata" IS NULL)), "created_at" datetime NOT NULL, "updated_at" datetime NOT NULL, "is_started" bool NOT NULL, "moderation" varchar(16) NOT NULL, "moderation_reason" text NOT NULL, "is_on_hold" bool NOT NULL, "hold_reason" text NOT NULL, "hidden_at" datetime NULL, "items_deleted_at" datetime NULL, "retry_id" varchar(32) DEFAULT '' NOT NULL, "items_redacted_at" datetime NULL, "archived_at" datetime NULL, "listing" varchar(16) DEFAULT '' NOT NULL, "pinned_at" datetime NULL, "share_hash" varchar(64) DEFAULT '' NOT NULL, "shared_at" datetime NULL, "shared_until" datetime NULL, "assignee" varchar(255) DEFAULT '' NOT NULL, "labels" varchar(255) DEFAULT '' NOT NULL, "notes" text NULL CHECK ((JSON_VALID("notes") OR "notes" IS NULL)));
INSERT INTO "chat_sessions" VALUES('d15309168558573b8a16d97c6e8381e8','thr_bare','ann','','active','','{"title":null,"id":"thr_bare","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('d4a2cac078135131bbd60b96d513735c','thr_locked','ann','Locked','locked','Over quota','{"title":"Locked","id":"thr_locked","created_at":"2026-11-28T11:19:56.123456","status":{"type":"locked","reason":"Over quota"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('004eeeaf7d7a5ec48b7de323a580c23d','thr_closed','ann','','closed','','{"title":"","id":"thr_closed","created_at":"2026-11-28T11:19:56.123456","status":{"type":"closed","reason":null},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('ce24f4454e755547bdf1ecbc3ff16799','thr_full','ann','Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines Ünïcode 🐘 ''quotes'' "too" \ and
newlines ','active','','{"title":"Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines Ünïcode 🐘 ''quotes'' \"too\" \\ and\nnewlines ","id":"thr_full","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":["example.com"],"metadata":{"a":{"b":[1,2.5,null,true,"ü"]},"":0,"long":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}}','{"a": {"b": [1, 2.5, null, true, "\u00fc"]}, "": 0, "long": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('0b538dcf1c8b5d5aa9f130077999aab8','thr_items','ann','Title of thr_items','active','','{"title":"Title of thr_items","id":"thr_items","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123471',1,'','',0,'',NULL,NULL,'','2026-11-28 11:20:00.069339',NULL,'',NULL,'',NULL,NULL,'carol','spam, checked','[{"who": "carol", "when": "2026-11-28T11:20:00.030103+00:00", "text": "Look again"}]');
INSERT INTO "chat_sessions" VALUES('2add1eaff4da5ffd8b1e34b4721ee386','thr_pinned','ann','Title of thr_pinned','active','','{"title":"Title of thr_pinned","id":"thr_pinned","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123457',1,'','',0,'',NULL,NULL,'',NULL,NULL,'','2026-11-28 11:19:59.991605','',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('afb387030db55a30a8aaadc50330d15f','thr_archived','ann','Title of thr_archived','active','','{"title":"Title of thr_archived","id":"thr_archived","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',1,'','',0,'',NULL,NULL,'',NULL,'2026-11-28 11:19:59.992889','archived',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('9088923f2d8459509999ee21d4e0319a','thr_shared','ann','Title of thr_shared','active','','{"title":"Title of thr_shared","id":"thr_shared","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123457',1,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'ad4cad66b84958b09db39e19229ec56d93e573691a7c3d785dd598d9019f7bd2','2026-11-28 11:19:59.996048','2026-11-28 11:19:56.123457','','',NULL);
INSERT INTO "chat_sessions" VALUES('edae23a09c455399ab088ff6f5fdbbbb','thr_closed_by_moderator','ann','Title of thr_closed_by_moderator','active','','{"title":"Title of thr_closed_by_moderator","id":"thr_closed_by_moderator","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123456',1,'closed','Rules of the site',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO "chat_sessions" VALUES('6f6775cc26d858fe9a1dca29d355b8f1','thr_held','Bøb 🐘','On hold','active','','{"title":"On hold","id":"thr_held","created_at":"2026-11-28T11:19:56.123456","status":{"type":"active"},"allowed_image_domains":null,"metadata":{}}','{}','2026-11-28 11:19:56.123456','2026-11-28 11:19:56.123458',1,'','',1,'Rules of the site',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
CREATE TABLE "chat_suspensions" ("suspension_id" char(32) NOT NULL PRIMARY KEY, "user_id" varchar(255) NOT NULL, "reason" text NOT NULL, "created_at" datetime NOT NULL, "ends_at" datetime NULL, "suspended_by" varchar(255) NOT NULL, CONSTRAINT "chat_suspensions_of_person" UNIQUE ("user_id"));
INSERT INTO "chat_suspensions" VALUES('9cb19d44dc2b5960ba498e0fc5e87cc6','Eve','Rules of the site','2026-11-28 11:20:00.158397',NULL,'carol');
CREATE TABLE "django_admin_log" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "object_id" text NULL, "object_repr" varchar(200) NOT NULL, "action_flag" smallint unsigned NOT NULL CHECK ("action_flag" >= 0), "change_message" text NOT NULL, "content_type_id" integer NULL REFERENCES "django_content_type" ("id") DEFERRABLE INITIALLY DEFERRED, "user_id" integer NOT NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED, "action_time" datetime NOT NULL);
CREATE TABLE "django_content_type" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL);
INSERT INTO "django_content_type" VALUES(1,'chatstore','chatsession');
INSERT INTO "django_content_type" VALUES(2,'chatstore','chatmessage');
INSERT INTO "django_content_type" VALUES(3,'chatstore','chatattachment');
INSERT INTO "django_content_type" VALUES(4,'chatstore','chatfiletoremove');
INSERT INTO "django_content_type" VALUES(5,'chatstore','moderationrecord');
INSERT INTO "django_content_type" VALUES(6,'chatstore','chatmodelturn');
INSERT INTO "django_content_type" VALUES(7,'chatstore','chatreport');
INSERT INTO "django_content_type" VALUES(8,'chatstore','chatsuspension');
INSERT INTO "django_content_type" VALUES(9,'admin','logentry');
INSERT INTO "django_content_type" VALUES(10,'auth','permission');
INSERT INTO "django_content_type" VALUES(11,'auth','group');
INSERT INTO "django_content_type" VALUES(12,'auth','user');
INSERT INTO "django_content_type" VALUES(13,'contenttypes','contenttype');
INSERT INTO "django_content_type" VALUES(14,'sessions','session');
CREATE TABLE "django_migrations" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "app" varchar(255) NOT NULL, "name" varchar(255) NOT NULL, "applied" datetime NOT NULL);
INSERT INTO "django_migrations" VALUES(1,'contenttypes','0001_initial','2026-11-28 11:19:56.475082');
INSERT INTO "django_migrations" VALUES(2,'auth','0001_initial','2026-11-28 11:19:56.579306');
INSERT INTO "django_migrations" VALUES(3,'admin','0001_initial','2026-11-28 11:19:56.908551');
INSERT INTO "django_migrations" VALUES(4,'admin','0002_logentry_remove_auto_add','2026-11-28 11:19:57.007038');
INSERT INTO "django_migrations" VALUES(5,'admin','0003_logentry_add_action_flag_choices','2026-11-28 11:19:57.019383');
INSERT INTO "django_migrations" VALUES(6,'contenttypes','0002_remove_content_type_name','2026-11-28 11:19:57.188721');
INSERT INTO "django_migrations" VALUES(7,'auth','0002_alter_permission_name_max_length','2026-11-28 11:19:57.225989');
INSERT INTO "django_migrations" VALUES(8,'auth','0003_alter_user_email_max_length','2026-11-28 11:19:57.267016');
INSERT INTO "django_migrations" VALUES(9,'auth','0004_alter_user_username_opts','2026-11-28 11:19:57.290185');
INSERT INTO "django_migrations" VALUES(10,'auth','0005_alter_user_last_login_null','2026-11-28 11:19:57.316359');
INSERT INTO "django_migrations" VALUES(11,'auth','0006_require_contenttypes_0002','2026-11-28 11:19:57.317026');
INSERT INTO "django_migrations" VALUES(12,'auth','0007_alter_validators_add_error_messages','2026-11-28 11:19:57.357530');
INSERT INTO "django_migrations" VALUES(13,'auth','0008_alter_user_username_max_length','2026-11-28 11:19:57.635598');
INSERT INTO "django_migrations" VALUES(14,'auth','0009_alter_user_last_name_max_length','2026-11-28 11:19:57.657794');
INSERT INTO "django_migrations" VALUES(15,'auth','0010_alter_group_name_max_length','2026-11-28 11:19:57.670219');
INSERT INTO "django_migrations" VALUES(16,'auth','0011_update_proxy_permissions','2026-11-28 11:19:57.767461');
INSERT INTO "django_migrations" VALUES(17,'auth','0012_alter_user_first_name_max_length','2026-11-28 11:19:57.790140');
INSERT INTO "django_migrations" VALUES(18,'chatstore','0001_initial','2026-11-28 11:19:57.866848');
INSERT INTO "django_migrations" VALUES(19,'chatstore','0002_files','2026-11-28 11:19:58.286453');
INSERT INTO "django_migrations" VALUES(20,'chatstore','0003_moderation','2026-11-28 11:19:58.469219');
INSERT INTO "django_migrations" VALUES(21,'chatstore','0004_search','2026-11-28 11:19:58.557816');
INSERT INTO "django_migrations" VALUES(22,'chatstore','0005_scheduled_removals','2026-11-28 11:19:58.580666');
INSERT INTO "django_migrations" VALUES(23,'chatstore','0006_message_ending','2026-11-28 11:19:58.621025');
INSERT INTO "django_migrations" VALUES(24,'chatstore','0007_items_deleted_at','2026-11-28 11:19:58.634312');
INSERT INTO "django_migrations" VALUES(25,'chatstore','0008_session_retry_id','2026-11-28 11:19:58.676196');
INSERT INTO "django_migrations" VALUES(26,'chatstore','0009_search_records','2026-11-28 11:19:58.695402');
INSERT INTO "django_migrations" VALUES(27,'chatstore','0010_model_turns','2026-11-28 11:19:58.742747');
INSERT INTO "django_migrations" VALUES(28,'chatstore','0011_search_words','2026-11-28 11:19:58.786020');
INSERT INTO "django_migrations" VALUES(29,'chatstore','0012_own_threads','2026-11-28 11:19:59.022276');
INSERT INTO "django_migrations" VALUES(30,'chatstore','0013_moderation_work','2026-11-28 11:19:59.275906');
INSERT INTO "django_migrations" VALUES(31,'chatstore','0014_moderators_filters','2026-11-28 11:19:59.317412');
INSERT INTO "django_migrations" VALUES(32,'sessions','0001_initial','2026-11-28 11:19:59.319128');
CREATE TABLE "django_session" ("session_key" varchar(40) NOT NULL PRIMARY KEY, "session_data" text NOT NULL, "expire_date" datetime NOT NULL);
CREATE UNIQUE INDEX "auth_group_permissions_group_id_permission_id_0cd325b0_uniq" ON "auth_group_permissions" ("group_id", "permission_id");
CREATE INDEX "auth_group_permissions_group_id_b120cbf9" ON "auth_group_permissions" ("group_id");
CREATE INDEX "auth_group_permissions_permission_id_84c5c92e" ON "auth_group_permissions" ("permission_id");
CREATE UNIQUE INDEX "auth_user_groups_user_id_group_id_94350c0c_uniq" ON "auth_user_groups" ("user_id", "group_id");
CREATE INDEX "auth_user_groups_user_id_6a12ed8b" ON "auth_user_groups" ("user_id");
CREATE INDEX "auth_user_groups_group_id_97559544" ON "auth_user_groups" ("group_id");
CREATE UNIQUE INDEX "auth_user_user_permissions_user_id_permission_id_14a6b632_uniq" ON "auth_user_user_permissions" ("user_id", "permission_id");
CREATE INDEX "auth_user_user_permissions_user_id_a95ead1b" ON "auth_user_user_permissions" ("user_id");
CREATE INDEX "auth_user_user_permissions_permission_id_1fbb5f2c" ON "auth_user_user_permissions" ("permission_id");
CREATE INDEX "django_admin_log_content_type_id_c4bce8eb" ON "django_admin_log" ("content_type_id");
CREATE INDEX "django_admin_log_user_id_c564eba6" ON "django_admin_log" ("user_id");
CREATE UNIQUE INDEX "django_content_type_app_label_model_76bd3d3b_uniq" ON "django_content_type" ("app_label", "model");
CREATE UNIQUE INDEX "auth_permission_content_type_id_codename_01ab375a_uniq" ON "auth_permission" ("content_type_id", "codename");
CREATE INDEX "auth_permission_content_type_id_2f476e4b" ON "auth_permission" ("content_type_id");
CREATE INDEX "chat_attachments_session_id_35c7d478" ON "chat_attachments" ("session_id");
CREATE INDEX "chat_attachments_of_user" ON "chat_attachments" ("user_id", "created_at");
CREATE INDEX "chat_attachments_unused" ON "chat_attachments" ("message_id", "created_at");
CREATE INDEX "chat_files_due" ON "chat_files_to_remove" ("due_at");
CREATE INDEX "chat_moderation_by_time" ON "chat_moderation_records" ("created_at", "id");
CREATE INDEX "chat_moderation_of_thread" ON "chat_moderation_records" ("thread_id", "created_at");
CREATE INDEX "chat_messages_of_thread" ON "chat_messages" ("session_id", "timestamp");
CREATE INDEX "chat_messages_by_time" ON "chat_messages" ("timestamp", "message_id");
CREATE INDEX "chat_model_turns_of_thread" ON "chat_model_turns" ("session_id", "timestamp");
CREATE INDEX "chat_sessions_activity" ON "chat_sessions" ("updated_at", "session_id");
CREATE INDEX "chat_sessions_listed" ON "chat_sessions" ("user_id", "listing", "created_at", "thread_id");
CREATE INDEX "chat_sessions_pinned" ON "chat_sessions" ("user_id", "pinned_at") WHERE "pinned_at" IS NOT NULL;
CREATE INDEX "chat_sessions_temporary" ON "chat_sessions" ("listing", "updated_at", "session_id") WHERE "listing" = 'temporary';
CREATE INDEX "chat_moderation_of_owner" ON "chat_moderation_records" ("user_id", "created_at");
CREATE INDEX "chat_moderation_of_staff" ON "chat_moderation_records" ("staff_name", "created_at");
CREATE INDEX "chat_reports_queue" ON "chat_reports" ("state", "created_at", "report_id");
CREATE INDEX "chat_reports_of_owner" ON "chat_reports" ("user_id", "created_at");
CREATE INDEX "chat_reports_of_reporter" ON "chat_reports" ("reporter", "created_at");
CREATE INDEX "chat_reports_of_thread" ON "chat_reports" ("session_id", "created_at");
CREATE INDEX "chat_sessions_assigned" ON "chat_sessions" ("assignee") WHERE "assignee" > '';
CREATE INDEX "chat_sessions_labelled" ON "chat_sessions" ("labels") WHERE "labels" > '';
CREATE INDEX "django_session_expire_date_a5c62663" ON "django_session" ("expire_date");
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('django_migrations',32);
INSERT INTO "sqlite_sequence" VALUES('django_admin_log',0);
INSERT INTO "sqlite_sequence" VALUES('django_content_type',14);
INSERT INTO "sqlite_sequence" VALUES('auth_permission',56);
INSERT INTO "sqlite_sequence" VALUES('auth_group',1);
INSERT INTO "sqlite_sequence" VALUES('auth_user',1);
INSERT INTO "sqlite_sequence" VALUES('auth_group_permissions',12);
INSERT INTO "sqlite_sequence" VALUES('chat_moderation_records',9);
COMMIT;
