/*M!999999\- enable the sandbox mode */ 
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_group` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(150) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `name` (`name`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `auth_group` VALUES (1,'Chat moderators');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_group_permissions` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `group_id` int(11) NOT NULL,
  `permission_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `auth_group_permissions_group_id_permission_id_0cd325b0_uniq` (`group_id`,`permission_id`),
  KEY `auth_group_permissio_permission_id_84c5c92e_fk_auth_perm` (`permission_id`),
  CONSTRAINT `auth_group_permissio_permission_id_84c5c92e_fk_auth_perm` FOREIGN KEY (`permission_id`) REFERENCES `auth_permission` (`id`),
  CONSTRAINT `auth_group_permissions_group_id_b120cbf9_fk_auth_group_id` FOREIGN KEY (`group_id`) REFERENCES `auth_group` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=13 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `auth_group_permissions` VALUES (2,1,4);
INSERT INTO `auth_group_permissions` VALUES (3,1,5);
INSERT INTO `auth_group_permissions` VALUES (4,1,6);
INSERT INTO `auth_group_permissions` VALUES (5,1,8);
INSERT INTO `auth_group_permissions` VALUES (6,1,10);
INSERT INTO `auth_group_permissions` VALUES (7,1,11);
INSERT INTO `auth_group_permissions` VALUES (8,1,12);
INSERT INTO `auth_group_permissions` VALUES (9,1,16);
INSERT INTO `auth_group_permissions` VALUES (10,1,25);
INSERT INTO `auth_group_permissions` VALUES (11,1,30);
INSERT INTO `auth_group_permissions` VALUES (12,1,31);
INSERT INTO `auth_group_permissions` VALUES (1,1,32);
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_permission` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(255) NOT NULL,
  `content_type_id` int(11) NOT NULL,
  `codename` varchar(100) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `auth_permission_content_type_id_codename_01ab375a_uniq` (`content_type_id`,`codename`),
  CONSTRAINT `auth_permission_content_type_id_2f476e4b_fk_django_co` FOREIGN KEY (`content_type_id`) REFERENCES `django_content_type` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=57 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `auth_permission` VALUES (1,'Can add thread',1,'add_chatsession');
INSERT INTO `auth_permission` VALUES (2,'Can change thread',1,'change_chatsession');
INSERT INTO `auth_permission` VALUES (3,'Can delete thread',1,'delete_chatsession');
INSERT INTO `auth_permission` VALUES (4,'Can view thread',1,'view_chatsession');
INSERT INTO `auth_permission` VALUES (5,'Can read conversations',1,'read_transcript');
INSERT INTO `auth_permission` VALUES (6,'Can lock and close threads, and hide messages',1,'moderate');
INSERT INTO `auth_permission` VALUES (7,'Can redact messages for good',1,'redact');
INSERT INTO `auth_permission` VALUES (8,'Can put threads on hold',1,'hold');
INSERT INTO `auth_permission` VALUES (9,'Can export conversations',1,'export');
INSERT INTO `auth_permission` VALUES (10,'Can write notes on threads',1,'note');
INSERT INTO `auth_permission` VALUES (11,'Can label threads',1,'label');
INSERT INTO `auth_permission` VALUES (12,'Can assign threads and reports to moderators',1,'assign');
INSERT INTO `auth_permission` VALUES (13,'Can add message',2,'add_chatmessage');
INSERT INTO `auth_permission` VALUES (14,'Can change message',2,'change_chatmessage');
INSERT INTO `auth_permission` VALUES (15,'Can delete message',2,'delete_chatmessage');
INSERT INTO `auth_permission` VALUES (16,'Can view message',2,'view_chatmessage');
INSERT INTO `auth_permission` VALUES (17,'Can add attachment',3,'add_chatattachment');
INSERT INTO `auth_permission` VALUES (18,'Can change attachment',3,'change_chatattachment');
INSERT INTO `auth_permission` VALUES (19,'Can delete attachment',3,'delete_chatattachment');
INSERT INTO `auth_permission` VALUES (20,'Can view attachment',3,'view_chatattachment');
INSERT INTO `auth_permission` VALUES (21,'Can add file to remove',4,'add_chatfiletoremove');
INSERT INTO `auth_permission` VALUES (22,'Can change file to remove',4,'change_chatfiletoremove');
INSERT INTO `auth_permission` VALUES (23,'Can delete file to remove',4,'delete_chatfiletoremove');
INSERT INTO `auth_permission` VALUES (24,'Can view file to remove',4,'view_chatfiletoremove');
INSERT INTO `auth_permission` VALUES (25,'Can view moderation record',5,'view_moderationrecord');
INSERT INTO `auth_permission` VALUES (26,'Can add model turn',6,'add_chatmodelturn');
INSERT INTO `auth_permission` VALUES (27,'Can change model turn',6,'change_chatmodelturn');
INSERT INTO `auth_permission` VALUES (28,'Can delete model turn',6,'delete_chatmodelturn');
INSERT INTO `auth_permission` VALUES (29,'Can view model turn',6,'view_chatmodelturn');
INSERT INTO `auth_permission` VALUES (30,'Can view report',7,'view_chatreport');
INSERT INTO `auth_permission` VALUES (31,'Can take, resolve and dismiss reports',7,'handle_reports');
INSERT INTO `auth_permission` VALUES (32,'Can suspend people',8,'suspend');
INSERT INTO `auth_permission` VALUES (33,'Can add log entry',9,'add_logentry');
INSERT INTO `auth_permission` VALUES (34,'Can change log entry',9,'change_logentry');
INSERT INTO `auth_permission` VALUES (35,'Can delete log entry',9,'delete_logentry');
INSERT INTO `auth_permission` VALUES (36,'Can view log entry',9,'view_logentry');
INSERT INTO `auth_permission` VALUES (37,'Can add permission',10,'add_permission');
INSERT INTO `auth_permission` VALUES (38,'Can change permission',10,'change_permission');
INSERT INTO `auth_permission` VALUES (39,'Can delete permission',10,'delete_permission');
INSERT INTO `auth_permission` VALUES (40,'Can view permission',10,'view_permission');
INSERT INTO `auth_permission` VALUES (41,'Can add group',11,'add_group');
INSERT INTO `auth_permission` VALUES (42,'Can change group',11,'change_group');
INSERT INTO `auth_permission` VALUES (43,'Can delete group',11,'delete_group');
INSERT INTO `auth_permission` VALUES (44,'Can view group',11,'view_group');
INSERT INTO `auth_permission` VALUES (45,'Can add user',12,'add_user');
INSERT INTO `auth_permission` VALUES (46,'Can change user',12,'change_user');
INSERT INTO `auth_permission` VALUES (47,'Can delete user',12,'delete_user');
INSERT INTO `auth_permission` VALUES (48,'Can view user',12,'view_user');
INSERT INTO `auth_permission` VALUES (49,'Can add content type',13,'add_contenttype');
INSERT INTO `auth_permission` VALUES (50,'Can change content type',13,'change_contenttype');
INSERT INTO `auth_permission` VALUES (51,'Can delete content type',13,'delete_contenttype');
INSERT INTO `auth_permission` VALUES (52,'Can view content type',13,'view_contenttype');
INSERT INTO `auth_permission` VALUES (53,'Can add session',14,'add_session');
INSERT INTO `auth_permission` VALUES (54,'Can change session',14,'change_session');
INSERT INTO `auth_permission` VALUES (55,'Can delete session',14,'delete_session');
INSERT INTO `auth_permission` VALUES (56,'Can view session',14,'view_session');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `password` varchar(128) NOT NULL,
  `last_login` datetime(6) DEFAULT NULL,
  `is_superuser` tinyint(1) NOT NULL,
  `username` varchar(150) NOT NULL,
  `first_name` varchar(150) NOT NULL,
  `last_name` varchar(150) NOT NULL,
  `email` varchar(254) NOT NULL,
  `is_staff` tinyint(1) NOT NULL,
  `is_active` tinyint(1) NOT NULL,
  `date_joined` datetime(6) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `username` (`username`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `auth_user` VALUES (1,'!dNhXHEoTqe0gKfxFn2uMvctkEmBgbCyquTkFRNh6',NULL,1,'admin','','','',1,1,'2026-11-28 11:21:53.151427');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user_groups` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` int(11) NOT NULL,
  `group_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `auth_user_groups_user_id_group_id_94350c0c_uniq` (`user_id`,`group_id`),
  KEY `auth_user_groups_group_id_97559544_fk_auth_group_id` (`group_id`),
  CONSTRAINT `auth_user_groups_group_id_97559544_fk_auth_group_id` FOREIGN KEY (`group_id`) REFERENCES `auth_group` (`id`),
  CONSTRAINT `auth_user_groups_user_id_6a12ed8b_fk_auth_user_id` FOREIGN KEY (`user_id`) REFERENCES `auth_user` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `auth_user_user_permissions` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `user_id` int(11) NOT NULL,
  `permission_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `auth_user_user_permissions_user_id_permission_id_14a6b632_uniq` (`user_id`,`permission_id`),
  KEY `auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm` (`permission_id`),
  CONSTRAINT `auth_user_user_permi_permission_id_1fbb5f2c_fk_auth_perm` FOREIGN KEY (`permission_id`) REFERENCES `auth_permission` (`id`),
  CONSTRAINT `auth_user_user_permissions_user_id_a95ead1b_fk_auth_user_id` FOREIGN KEY (`user_id`) REFERENCES `auth_user` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_attachments` (
  `file_id` uuid NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `attachment_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `name` longtext NOT NULL,
  `mime_type` longtext NOT NULL,
  `payload` longtext NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `hidden_at` datetime(6) DEFAULT NULL,
  `session_id` uuid DEFAULT NULL,
  `message_id` uuid DEFAULT NULL,
  `path` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `size` bigint(20) unsigned NOT NULL CHECK (`size` >= 0),
  `uploaded_at` datetime(6) DEFAULT NULL,
  PRIMARY KEY (`file_id`),
  KEY `chat_attachments_session_id_35c7d478_fk_chat_sessions_session_id` (`session_id`),
  KEY `chat_attachments_of_user` (`user_id`,`created_at`),
  KEY `chat_attachments_unused` (`message_id`,`created_at`),
  CONSTRAINT `chat_attachments_session_id_35c7d478_fk_chat_sessions_session_id` FOREIGN KEY (`session_id`) REFERENCES `chat_sessions` (`session_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_attachments` VALUES ('101a7eff-2fe7-588b-b153-2aef37cc34ad','ann','atc_bare','a.txt','text/plain','{\"id\":\"atc_bare\",\"name\":\"a.txt\",\"mime_type\":\"text/plain\",\"upload_descriptor\":null,\"thread_id\":null,\"metadata\":null,\"type\":\"file\"}','2026-11-28 11:21:53.209261',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','49f42132-486f-5080-8fd8-905a7fb4a251','chatstore/sent.txt',17,'2026-11-28 11:21:53.209266');
INSERT INTO `chat_attachments` VALUES ('8a067666-761a-5172-88e5-80a7072dac46','ann','atc_kept','a.txt','text/plain','{\"id\":\"atc_kept\",\"name\":\"a.txt\",\"mime_type\":\"text/plain\",\"upload_descriptor\":null,\"thread_id\":null,\"metadata\":null,\"type\":\"file\"}','2026-11-28 11:21:53.216269',NULL,NULL,NULL,'chatstore/kept.txt',17,'2026-11-28 11:21:53.216274');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_files_to_remove` (
  `path` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `scheduled_at` datetime(6) NOT NULL,
  `due_at` datetime(6) NOT NULL,
  `tries` int(10) unsigned NOT NULL CHECK (`tries` >= 0),
  PRIMARY KEY (`path`),
  KEY `chat_files_due` (`due_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_files_to_remove` VALUES ('chatstore/31/a0612a1f95d6f9a1a29d738df8f922','2026-11-28 11:21:54.148326','2026-11-29 11:21:54.148326',0);
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_messages` (
  `message_id` uuid NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `item_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `item_type` varchar(32) NOT NULL,
  `item_status` varchar(16) NOT NULL,
  `sender_type` varchar(16) NOT NULL,
  `content` longtext NOT NULL,
  `timestamp` datetime(6) NOT NULL,
  `payload` longtext NOT NULL,
  `metadata` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`metadata`)),
  `feedback` varchar(16) NOT NULL,
  `hidden_at` datetime(6) DEFAULT NULL,
  `hidden_by` varchar(255) NOT NULL,
  `redacted_at` datetime(6) DEFAULT NULL,
  `session_id` uuid NOT NULL,
  `ending` varchar(16) NOT NULL DEFAULT '',
  PRIMARY KEY (`message_id`),
  UNIQUE KEY `chat_messages_position` (`user_id`,`session_id`,`timestamp`),
  KEY `chat_messages_of_thread` (`session_id`,`timestamp`),
  KEY `chat_messages_by_time` (`timestamp`,`message_id`),
  CONSTRAINT `chat_messages_session_id_c5afc568_fk_chat_sessions_session_id` FOREIGN KEY (`session_id`) REFERENCES `chat_sessions` (`session_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_messages` VALUES ('393d1bb4-ea3f-502b-8f83-0a251d17c020','ann','msg_end','end_of_turn','','system','','2026-11-28 11:21:41.123471','{\"id\":\"msg_end\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"end_of_turn\"}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('06ef0cb1-253c-5bb8-8124-0f7429cde5b4','ann','msg_asked','structured_input','pending','assistant','Why?','2026-11-28 11:21:41.123464','{\"id\":\"msg_asked\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"structured_input\",\"status\":\"pending\",\"inputs\":[{\"id\":\"why\",\"question\":\"Why?\",\"answer\":null,\"type\":\"freeform\",\"description\":\"Briefly\"}]}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('da6aecfd-0745-57f7-9972-2608b3b9e41c','ann','msg_1','user_message','','user','Hello','2026-11-28 11:21:41.123456','{\"id\":\"msg_1\",\"thread_id\":\"thr_shared\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'9088923f-2d84-5950-9999-ee21d4e0319a','');
INSERT INTO `chat_messages` VALUES ('6c6a0a1a-66dc-58e2-93d3-2e026228f5aa','ann','msg_skipped','structured_input','skipped','assistant','','2026-11-28 11:21:41.123466','{\"id\":\"msg_skipped\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"structured_input\",\"status\":\"skipped\",\"inputs\":[]}','{}','',NULL,'','2026-11-28 11:21:54.047888','0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('1c5f7a2f-fc76-508a-9275-2feaac2ca607','ann','msg_empty','user_message','','user','','2026-11-28 11:21:41.123457','{\"id\":\"msg_empty\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('ac63d450-5082-5850-9726-366823fc82d8','ann','tsk_1','task','','assistant','Search\na\nb\nSite','2026-11-28 11:21:41.123468','{\"id\":\"tsk_1\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"task\",\"task\":{\"status_indicator\":\"none\",\"type\":\"web_search\",\"title\":\"Search\",\"title_query\":\"q\",\"queries\":[\"a\",\"b\"],\"sources\":[{\"title\":\"Site\",\"description\":null,\"timestamp\":null,\"group\":null,\"type\":\"url\",\"url\":\"https://example.com/\",\"attribution\":\"Example\"}]}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('90a722f8-8fb4-50f3-850b-3a8f9a946873','ann','wf_full','workflow','','assistant','Done\nLook\n**here**\nSearch\na\nb\nSite\nThink\nHm\nRead\nPaper\nDraw','2026-11-28 11:21:41.123467','{\"id\":\"wf_full\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"workflow\",\"workflow\":{\"type\":\"reasoning\",\"tasks\":[{\"status_indicator\":\"loading\",\"type\":\"custom\",\"title\":\"Look\",\"icon\":\"search\",\"content\":\"**here**\"},{\"status_indicator\":\"none\",\"type\":\"web_search\",\"title\":\"Search\",\"title_query\":\"q\",\"queries\":[\"a\",\"b\"],\"sources\":[{\"title\":\"Site\",\"description\":null,\"timestamp\":null,\"group\":null,\"type\":\"url\",\"url\":\"https://example.com/\",\"attribution\":\"Example\"}]},{\"status_indicator\":\"none\",\"type\":\"thought\",\"title\":\"Think\",\"content\":\"Hm\"},{\"status_indicator\":\"none\",\"type\":\"file\",\"title\":\"Read\",\"sources\":[{\"title\":\"Paper\",\"description\":\"On elephants\",\"timestamp\":null,\"group\":null,\"type\":\"file\",\"filename\":\"paper.pdf\"}]},{\"status_indicator\":\"none\",\"type\":\"image\",\"title\":\"Draw\"}],\"summary\":{\"title\":\"Done\",\"icon\":null},\"expanded\":true}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('720ca6cc-e3f0-5e7e-a8e1-48bd9ad5e30b','ann','msg_image','generated_image','','assistant','','2026-11-28 11:21:41.123462','{\"id\":\"msg_image\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"generated_image\",\"image\":{\"id\":\"img\",\"url\":\"data:,\"}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('863352e3-c1a2-5dc9-b3c6-52feb87b3816','ann','tc_pending','client_tool_call','pending','tool','locate','2026-11-28 11:21:41.123459','{\"id\":\"tc_pending\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"client_tool_call\",\"status\":\"pending\",\"call_id\":\"call_1\",\"name\":\"locate\",\"arguments\":{\"deep\":[{\"er\":null}]},\"output\":null}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('9aa6ba80-e057-5609-a20b-5634adf6fe21','Bøb 🐘','msg_3','assistant_message','','assistant','Insult','2026-11-28 11:21:41.123458','{\"id\":\"msg_3\",\"thread_id\":\"thr_held\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"assistant_message\",\"content\":[{\"annotations\":[],\"text\":\"Insult\",\"type\":\"output_text\"}]}','{}','',NULL,'',NULL,'6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','');
INSERT INTO `chat_messages` VALUES ('171c3880-ecb1-58fb-a55f-70dc0eb69b7b','ann','msg_1','user_message','','user','Hello','2026-11-28 11:21:41.123456','{\"id\":\"msg_1\",\"thread_id\":\"thr_archived\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'afb38703-0db5-5a30-a8aa-adc50330d15f','');
INSERT INTO `chat_messages` VALUES ('a22bf04f-ee9c-5c27-b177-715c4305ab32','ann','tc_done','client_tool_call','completed','tool','locate\nx','2026-11-28 11:21:41.123460','{\"id\":\"tc_done\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"client_tool_call\",\"status\":\"completed\",\"call_id\":\"call_1\",\"name\":\"locate\",\"arguments\":{},\"output\":{\"result\":[1,2.5,\"x\",null]}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('f15dd1ed-26ee-5df1-959b-75e5f8213fa6','ann','msg_card','widget','','assistant','Title','2026-11-28 11:21:41.123461','{\"id\":\"msg_card\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"widget\",\"widget\":{\"type\":\"Card\",\"children\":[{\"type\":\"Text\",\"value\":\"Title\",\"weight\":\"medium\"},{\"type\":\"Text\",\"value\":\"test\"}]},\"copy_text\":\"Title\"}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('e2e48ab5-a603-5f7a-8c64-7b1f5e5bdd22','ann','msg_answer','assistant_message','','assistant','Hi','2026-11-28 11:21:41.123458','{\"id\":\"msg_answer\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"assistant_message\",\"content\":[{\"annotations\":[{\"type\":\"annotation\",\"source\":{\"title\":\"Site\",\"description\":null,\"timestamp\":null,\"group\":null,\"type\":\"url\",\"url\":\"https://example.com/\",\"attribution\":\"Example\"},\"index\":1},{\"type\":\"annotation\",\"source\":{\"title\":\"Paper\",\"description\":\"On elephants\",\"timestamp\":null,\"group\":null,\"type\":\"file\",\"filename\":\"paper.pdf\"},\"index\":null}],\"text\":\"Hi\",\"type\":\"output_text\"},{\"annotations\":[],\"text\":\"\",\"type\":\"output_text\"}]}','{}','','2026-11-28 11:21:53.983395','carol',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('d32cf00d-d459-524c-b9e4-81830beecee9','ann','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:21:41.123457','{\"id\":\"msg_2\",\"thread_id\":\"thr_shared\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"assistant_message\",\"content\":[{\"annotations\":[],\"text\":\"Hi\",\"type\":\"output_text\"}]}','{}','',NULL,'',NULL,'9088923f-2d84-5950-9999-ee21d4e0319a','');
INSERT INTO `chat_messages` VALUES ('2903b281-540f-51e4-8103-85c115a7c7df','Bøb 🐘','msg_1','user_message','','user','Hello','2026-11-28 11:21:41.123456','{\"id\":\"msg_1\",\"thread_id\":\"thr_held\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','');
INSERT INTO `chat_messages` VALUES ('430c0c04-387e-50e0-bcbb-8f044b8b75a7','ann','msg_1','user_message','','user','Hello','2026-11-28 11:21:41.123456','{\"id\":\"msg_1\",\"thread_id\":\"thr_pinned\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'2add1eaf-f4da-5ffd-8b1e-34b4721ee386','');
INSERT INTO `chat_messages` VALUES ('49f42132-486f-5080-8fd8-905a7fb4a251','ann','msg_user','user_message','','user','You said\nHello 🐘  <b>&amp;\n@ann\na.txt','2026-11-28 11:21:41.123456','{\"id\":\"msg_user\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello 🐘  <b>&amp;\"},{\"type\":\"input_tag\",\"id\":\"t\",\"text\":\"@ann\",\"data\":{\"n\":1},\"group\":\"people\",\"interactive\":false}],\"attachments\":[{\"id\":\"atc_bare\",\"name\":\"a.txt\",\"mime_type\":\"text/plain\",\"upload_descriptor\":null,\"thread_id\":null,\"metadata\":null,\"type\":\"file\"}],\"quoted_text\":\"You said\",\"inference_options\":{\"tool_choice\":{\"id\":\"web\"},\"model\":\"m\"}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('15dc5c15-aa8a-5e73-9eb6-9ebedbb77368','ann','shcx_1','sdk_hidden_context','','system','for the SDK','2026-11-28 11:21:41.123470','{\"id\":\"shcx_1\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"sdk_hidden_context\",\"content\":\"for the SDK\"}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('02e5e89c-8ece-54c3-9d1a-a0ff0aeac67d','ann','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:21:41.123457','{\"id\":\"msg_2\",\"thread_id\":\"thr_pinned\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"assistant_message\",\"content\":[{\"annotations\":[],\"text\":\"Hi\",\"type\":\"output_text\"}]}','{}','',NULL,'',NULL,'2add1eaf-f4da-5ffd-8b1e-34b4721ee386','');
INSERT INTO `chat_messages` VALUES ('97e2118e-6080-520f-bda5-a61c696d887d','ann','msg_1','user_message','','user','Hello','2026-11-28 11:21:41.123456','{\"id\":\"msg_1\",\"thread_id\":\"thr_closed_by_moderator\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"user_message\",\"content\":[{\"type\":\"input_text\",\"text\":\"Hello\"}],\"attachments\":[],\"quoted_text\":null,\"inference_options\":{\"tool_choice\":null,\"model\":null}}','{}','',NULL,'',NULL,'edae23a0-9c45-5399-ab08-8ff6f5fdbbbb','');
INSERT INTO `chat_messages` VALUES ('47a57415-ee40-59d5-950b-be071d4d91fe','ann','msg_no_image','generated_image','','assistant','','2026-11-28 11:21:41.123463','{\"id\":\"msg_no_image\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"generated_image\",\"image\":null}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('a696a591-5759-5692-8329-c47c8c28c156','ann','hcx_any','hidden_context_item','','system','thing','2026-11-28 11:21:41.123469','{\"id\":\"hcx_any\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"hidden_context_item\",\"content\":{\"any\":[\"thing\",1,null]}}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
INSERT INTO `chat_messages` VALUES ('b1b3bd29-709b-573d-bc85-e70f2b182dc7','Bøb 🐘','msg_2','assistant_message','','assistant','Hi','2026-11-28 11:21:41.123457','{\"id\":\"msg_2\",\"thread_id\":\"thr_held\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"assistant_message\",\"content\":[{\"annotations\":[],\"text\":\"Hi\",\"type\":\"output_text\"}]}','{}','',NULL,'',NULL,'6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','');
INSERT INTO `chat_messages` VALUES ('ab834b50-580e-590b-9607-fa62dc203be9','ann','msg_answered','structured_input','answered','assistant','Which?\nred\nown','2026-11-28 11:21:41.123465','{\"id\":\"msg_answered\",\"thread_id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"type\":\"structured_input\",\"status\":\"answered\",\"inputs\":[{\"id\":\"colour\",\"question\":\"Which?\",\"answer\":{\"values\":[\"red\",\"own\"],\"skipped\":false},\"type\":\"multiple_choice\",\"options\":[{\"value\":\"red\"}],\"multiple\":true}]}','{}','',NULL,'',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8','');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_model_turns` (
  `model_turn_id` uuid NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `turn_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `kind` varchar(16) NOT NULL,
  `after_item_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `item_ids` longtext NOT NULL,
  `agent` varchar(255) NOT NULL,
  `model` varchar(255) NOT NULL,
  `payload` longtext NOT NULL,
  `requests` int(10) unsigned NOT NULL CHECK (`requests` >= 0),
  `input_tokens` bigint(20) unsigned NOT NULL CHECK (`input_tokens` >= 0),
  `output_tokens` bigint(20) unsigned NOT NULL CHECK (`output_tokens` >= 0),
  `first_text_ms` bigint(20) unsigned DEFAULT NULL CHECK (`first_text_ms` >= 0),
  `duration_ms` bigint(20) unsigned DEFAULT NULL CHECK (`duration_ms` >= 0),
  `timestamp` datetime(6) NOT NULL,
  `hidden_at` datetime(6) DEFAULT NULL,
  `session_id` uuid NOT NULL,
  PRIMARY KEY (`model_turn_id`),
  UNIQUE KEY `chat_model_turns_position` (`user_id`,`session_id`,`timestamp`),
  KEY `chat_model_turns_of_thread` (`session_id`,`timestamp`),
  CONSTRAINT `chat_model_turns_session_id_7fc323b7_fk_chat_sessions_session_id` FOREIGN KEY (`session_id`) REFERENCES `chat_sessions` (`session_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_model_turns` VALUES ('24c591f2-ce11-503f-8b8d-19444f19840d','ann','turn_2483dcd84a567166132bb456108b4d00','run','msg_user','{\"msg_user\":\"\",\"msg_answer\":\"\"}','','','[{\"agent\":\"Clerk\",\"model\":\"gpt-x\",\"items\":[{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"count\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":\"42 bikes\"}]}]',0,0,0,NULL,NULL,'2026-11-28 11:21:53.812024',NULL,'0b538dcf-1c8b-5d5a-a9f1-30077999aab8');
INSERT INTO `chat_model_turns` VALUES ('7a8169aa-7a27-5f56-bab9-1ff0dd081bf0','Bøb 🐘','turn_6b6d59d7345e0748b6d4d4d8d81e9a0c','run','msg_user','{\"msg_user\":\"\",\"msg_answer\":\"\"}','','','[{\"agent\":\"Clerk\",\"model\":\"gpt-x\",\"items\":[{\"type\":\"function_call\",\"call_id\":\"call_1\",\"name\":\"count\",\"arguments\":\"{}\"},{\"type\":\"function_call_output\",\"call_id\":\"call_1\",\"output\":\"42 bikes\"}]}]',0,0,0,NULL,NULL,'2026-11-28 11:21:53.813642',NULL,'6f6775cc-26d8-58fe-9a1d-ca29d355b8f1');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_moderation_records` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `created_at` datetime(6) NOT NULL,
  `staff_id` varchar(255) NOT NULL,
  `staff_name` varchar(255) NOT NULL,
  `action` varchar(16) NOT NULL,
  `reason` longtext NOT NULL,
  `thread_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `item_ids` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`item_ids`)),
  `found` int(10) unsigned DEFAULT NULL CHECK (`found` >= 0),
  PRIMARY KEY (`id`),
  KEY `chat_moderation_by_time` (`created_at`,`id`),
  KEY `chat_moderation_of_thread` (`thread_id`,`created_at`),
  KEY `chat_moderation_of_owner` (`user_id`,`created_at`),
  KEY `chat_moderation_of_staff` (`staff_name`,`created_at`)
) ENGINE=InnoDB AUTO_INCREMENT=10 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_moderation_records` VALUES (1,'2026-11-28 11:21:53.835207','','carol','close','Rules of the site','thr_closed_by_moderator','ann','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (2,'2026-11-28 11:21:53.859796','','carol','note','','thr_items','ann','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (3,'2026-11-28 11:21:53.881544','','carol','label','spam, checked','thr_items','ann','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (4,'2026-11-28 11:21:53.893029','','carol','assign','carol','thr_items','ann','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (5,'2026-11-28 11:21:54.006306','','carol','hide','Rules of the site','thr_items','ann','[\"msg_answer\"]',NULL);
INSERT INTO `chat_moderation_records` VALUES (6,'2026-11-28 11:21:54.071874','','carol','redact','Rules of the site','thr_items','ann','[\"msg_skipped\"]',NULL);
INSERT INTO `chat_moderation_records` VALUES (7,'2026-11-28 11:21:54.091896','','carol','hold','Rules of the site','thr_held','Bøb 🐘','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (8,'2026-11-28 11:21:54.121101','','carol','resolve','Rules of the site','thr_held','Bøb 🐘','[]',NULL);
INSERT INTO `chat_moderation_records` VALUES (9,'2026-11-28 11:21:54.130022','','carol','suspend','Rules of the site','','Eve','[]',NULL);
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_reports` (
  `report_id` uuid NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `session_id` uuid NOT NULL,
  `thread_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `item_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `reporter` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `source` varchar(16) NOT NULL,
  `reason` varchar(64) NOT NULL,
  `words` longtext NOT NULL,
  `state` varchar(16) NOT NULL,
  `open_key` uuid DEFAULT NULL,
  `assignee` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `closed_at` datetime(6) DEFAULT NULL,
  `closed_by` varchar(255) NOT NULL,
  `resolution` longtext NOT NULL,
  PRIMARY KEY (`report_id`),
  UNIQUE KEY `chat_reports_one_open` (`user_id`,`open_key`),
  KEY `chat_reports_queue` (`state`,`created_at`,`report_id`),
  KEY `chat_reports_of_owner` (`user_id`,`created_at`),
  KEY `chat_reports_of_reporter` (`reporter`,`created_at`),
  KEY `chat_reports_of_thread` (`session_id`,`created_at`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_reports` VALUES ('0d9adb83-3e5f-4549-8c72-743127165667','Bøb 🐘','6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','thr_held','','','application','other','','resolved',NULL,'','2026-11-28 11:21:54.115816','2026-11-28 11:21:54.120070','carol','Rules of the site');
INSERT INTO `chat_reports` VALUES ('83a6afba-4eb8-4836-8434-d1f15b29616c','Bøb 🐘','6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','thr_held','msg_3','ann','application','harmful','It is','open','e34b3c0c-7638-57b1-9460-9be3694a3492','','2026-11-28 11:21:54.100705',NULL,'','');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_sessions` (
  `session_id` uuid NOT NULL,
  `thread_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `title` longtext NOT NULL,
  `status` varchar(16) NOT NULL,
  `reason` longtext NOT NULL,
  `payload` longtext NOT NULL,
  `metadata` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`metadata`)),
  `created_at` datetime(6) NOT NULL,
  `updated_at` datetime(6) NOT NULL,
  `is_started` tinyint(1) NOT NULL,
  `moderation` varchar(16) NOT NULL,
  `moderation_reason` longtext NOT NULL,
  `is_on_hold` tinyint(1) NOT NULL,
  `hold_reason` longtext NOT NULL,
  `hidden_at` datetime(6) DEFAULT NULL,
  `items_deleted_at` datetime(6) DEFAULT NULL,
  `retry_id` varchar(32) NOT NULL DEFAULT '',
  `items_redacted_at` datetime(6) DEFAULT NULL,
  `archived_at` datetime(6) DEFAULT NULL,
  `listing` varchar(16) NOT NULL DEFAULT '',
  `pinned_at` datetime(6) DEFAULT NULL,
  `share_hash` varchar(64) NOT NULL DEFAULT '',
  `shared_at` datetime(6) DEFAULT NULL,
  `shared_until` datetime(6) DEFAULT NULL,
  `assignee` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL DEFAULT '',
  `labels` varchar(255) NOT NULL DEFAULT '',
  `notes` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`notes`)),
  PRIMARY KEY (`session_id`),
  KEY `chat_sessions_activity` (`updated_at`,`session_id`),
  KEY `chat_sessions_listed` (`user_id`,`listing`,`created_at`,`thread_id`),
  KEY `chat_sessions_pinned` (`user_id`,`pinned_at`),
  KEY `chat_sessions_temporary` (`listing`,`updated_at`,`session_id`),
  KEY `chat_sessions_assigned` (`assignee`),
  KEY `chat_sessions_labelled` (`labels`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_sessions` VALUES ('d4a2cac0-7813-5131-bbd6-0b96d513735c','thr_locked','ann','Locked','locked','Over quota','{\"title\":\"Locked\",\"id\":\"thr_locked\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"locked\",\"reason\":\"Over quota\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('0b538dcf-1c8b-5d5a-a9f1-30077999aab8','thr_items','ann','Title of thr_items','active','','{\"title\":\"Title of thr_items\",\"id\":\"thr_items\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123471',1,'','',0,'',NULL,NULL,'','2026-11-28 11:21:54.047888',NULL,'',NULL,'',NULL,NULL,'carol','spam, checked','[{\"who\": \"carol\", \"when\": \"2026-11-28T11:21:53.845871+00:00\", \"text\": \"Look again\"}]');
INSERT INTO `chat_sessions` VALUES ('2add1eaf-f4da-5ffd-8b1e-34b4721ee386','thr_pinned','ann','Title of thr_pinned','active','','{\"title\":\"Title of thr_pinned\",\"id\":\"thr_pinned\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123457',1,'','',0,'',NULL,NULL,'',NULL,NULL,'','2026-11-28 11:21:53.737855','',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('edae23a0-9c45-5399-ab08-8ff6f5fdbbbb','thr_closed_by_moderator','ann','Title of thr_closed_by_moderator','active','','{\"title\":\"Title of thr_closed_by_moderator\",\"id\":\"thr_closed_by_moderator\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',1,'closed','Rules of the site',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('afb38703-0db5-5a30-a8aa-adc50330d15f','thr_archived','ann','Title of thr_archived','active','','{\"title\":\"Title of thr_archived\",\"id\":\"thr_archived\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',1,'','',0,'',NULL,NULL,'',NULL,'2026-11-28 11:21:53.745088','archived',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('6f6775cc-26d8-58fe-9a1d-ca29d355b8f1','thr_held','Bøb 🐘','On hold','active','','{\"title\":\"On hold\",\"id\":\"thr_held\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123458',1,'','',1,'Rules of the site',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('d1530916-8558-573b-8a16-d97c6e8381e8','thr_bare','ann','','active','','{\"title\":null,\"id\":\"thr_bare\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('004eeeaf-7d7a-5ec4-8b7d-e323a580c23d','thr_closed','ann','','closed','','{\"title\":\"\",\"id\":\"thr_closed\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"closed\",\"reason\":null},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('ce24f445-4e75-5547-bdf1-ecbc3ff16799','thr_full','ann','Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines Ünïcode 🐘 \'quotes\' \"too\" \\ and\nnewlines ','active','','{\"title\":\"Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines Ünïcode 🐘 \'quotes\' \\\"too\\\" \\\\ and\\nnewlines \",\"id\":\"thr_full\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":[\"example.com\"],\"metadata\":{\"a\":{\"b\":[1,2.5,null,true,\"ü\"]},\"\":0,\"long\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}}','{\"a\": {\"b\": [1, 2.5, null, true, \"\\u00fc\"]}, \"\": 0, \"long\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123456',0,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'',NULL,NULL,'','',NULL);
INSERT INTO `chat_sessions` VALUES ('9088923f-2d84-5950-9999-ee21d4e0319a','thr_shared','ann','Title of thr_shared','active','','{\"title\":\"Title of thr_shared\",\"id\":\"thr_shared\",\"created_at\":\"2026-11-28T11:21:41.123456\",\"status\":{\"type\":\"active\"},\"allowed_image_domains\":null,\"metadata\":{}}','{}','2026-11-28 11:21:41.123456','2026-11-28 11:21:41.123457',1,'','',0,'',NULL,NULL,'',NULL,NULL,'',NULL,'d30f1afff95606c73db0e45a9e7c4c4e4a56138d3666e818df6ecc5b5b8d878c','2026-11-28 11:21:53.758933','2026-11-28 11:21:41.123457','','',NULL);
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `chat_suspensions` (
  `suspension_id` uuid NOT NULL,
  `user_id` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
  `reason` longtext NOT NULL,
  `created_at` datetime(6) NOT NULL,
  `ends_at` datetime(6) DEFAULT NULL,
  `suspended_by` varchar(255) NOT NULL,
  PRIMARY KEY (`suspension_id`),
  UNIQUE KEY `chat_suspensions_of_person` (`user_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `chat_suspensions` VALUES ('9cb19d44-dc2b-5960-ba49-8e0fc5e87cc6','Eve','Rules of the site','2026-11-28 11:21:54.126691',NULL,'carol');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `django_admin_log` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `action_time` datetime(6) NOT NULL,
  `object_id` longtext DEFAULT NULL,
  `object_repr` varchar(200) NOT NULL,
  `action_flag` smallint(5) unsigned NOT NULL CHECK (`action_flag` >= 0),
  `change_message` longtext NOT NULL,
  `content_type_id` int(11) DEFAULT NULL,
  `user_id` int(11) NOT NULL,
  PRIMARY KEY (`id`),
  KEY `django_admin_log_content_type_id_c4bce8eb_fk_django_co` (`content_type_id`),
  KEY `django_admin_log_user_id_c564eba6_fk_auth_user_id` (`user_id`),
  CONSTRAINT `django_admin_log_content_type_id_c4bce8eb_fk_django_co` FOREIGN KEY (`content_type_id`) REFERENCES `django_content_type` (`id`),
  CONSTRAINT `django_admin_log_user_id_c564eba6_fk_auth_user_id` FOREIGN KEY (`user_id`) REFERENCES `auth_user` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `django_content_type` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `app_label` varchar(100) NOT NULL,
  `model` varchar(100) NOT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `django_content_type_app_label_model_76bd3d3b_uniq` (`app_label`,`model`)
) ENGINE=InnoDB AUTO_INCREMENT=15 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `django_content_type` VALUES (9,'admin','logentry');
INSERT INTO `django_content_type` VALUES (11,'auth','group');
INSERT INTO `django_content_type` VALUES (10,'auth','permission');
INSERT INTO `django_content_type` VALUES (12,'auth','user');
INSERT INTO `django_content_type` VALUES (3,'chatstore','chatattachment');
INSERT INTO `django_content_type` VALUES (4,'chatstore','chatfiletoremove');
INSERT INTO `django_content_type` VALUES (2,'chatstore','chatmessage');
INSERT INTO `django_content_type` VALUES (6,'chatstore','chatmodelturn');
INSERT INTO `django_content_type` VALUES (7,'chatstore','chatreport');
INSERT INTO `django_content_type` VALUES (1,'chatstore','chatsession');
INSERT INTO `django_content_type` VALUES (8,'chatstore','chatsuspension');
INSERT INTO `django_content_type` VALUES (5,'chatstore','moderationrecord');
INSERT INTO `django_content_type` VALUES (13,'contenttypes','contenttype');
INSERT INTO `django_content_type` VALUES (14,'sessions','session');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `django_migrations` (
  `id` bigint(20) NOT NULL AUTO_INCREMENT,
  `app` varchar(255) NOT NULL,
  `name` varchar(255) NOT NULL,
  `applied` datetime(6) NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=33 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
INSERT INTO `django_migrations` VALUES (1,'contenttypes','0001_initial','2026-11-28 11:21:42.558724');
INSERT INTO `django_migrations` VALUES (2,'auth','0001_initial','2026-11-28 11:21:44.895236');
INSERT INTO `django_migrations` VALUES (3,'admin','0001_initial','2026-11-28 11:21:45.252265');
INSERT INTO `django_migrations` VALUES (4,'admin','0002_logentry_remove_auto_add','2026-11-28 11:21:45.272436');
INSERT INTO `django_migrations` VALUES (5,'admin','0003_logentry_add_action_flag_choices','2026-11-28 11:21:45.286002');
INSERT INTO `django_migrations` VALUES (6,'contenttypes','0002_remove_content_type_name','2026-11-28 11:21:45.600231');
INSERT INTO `django_migrations` VALUES (7,'auth','0002_alter_permission_name_max_length','2026-11-28 11:21:45.735851');
INSERT INTO `django_migrations` VALUES (8,'auth','0003_alter_user_email_max_length','2026-11-28 11:21:45.816516');
INSERT INTO `django_migrations` VALUES (9,'auth','0004_alter_user_username_opts','2026-11-28 11:21:45.838029');
INSERT INTO `django_migrations` VALUES (10,'auth','0005_alter_user_last_login_null','2026-11-28 11:21:46.120433');
INSERT INTO `django_migrations` VALUES (11,'auth','0006_require_contenttypes_0002','2026-11-28 11:21:46.121496');
INSERT INTO `django_migrations` VALUES (12,'auth','0007_alter_validators_add_error_messages','2026-11-28 11:21:46.215629');
INSERT INTO `django_migrations` VALUES (13,'auth','0008_alter_user_username_max_length','2026-11-28 11:21:46.401358');
INSERT INTO `django_migrations` VALUES (14,'auth','0009_alter_user_last_name_max_length','2026-11-28 11:21:46.972109');
INSERT INTO `django_migrations` VALUES (15,'auth','0010_alter_group_name_max_length','2026-11-28 11:21:47.079179');
INSERT INTO `django_migrations` VALUES (16,'auth','0011_update_proxy_permissions','2026-11-28 11:21:47.118349');
INSERT INTO `django_migrations` VALUES (17,'auth','0012_alter_user_first_name_max_length','2026-11-28 11:21:47.216591');
INSERT INTO `django_migrations` VALUES (18,'chatstore','0001_initial','2026-11-28 11:21:47.871282');
INSERT INTO `django_migrations` VALUES (19,'chatstore','0002_files','2026-11-28 11:21:48.558629');
INSERT INTO `django_migrations` VALUES (20,'chatstore','0003_moderation','2026-11-28 11:21:48.826894');
INSERT INTO `django_migrations` VALUES (21,'chatstore','0004_search','2026-11-28 11:21:48.855427');
INSERT INTO `django_migrations` VALUES (22,'chatstore','0005_scheduled_removals','2026-11-28 11:21:48.940234');
INSERT INTO `django_migrations` VALUES (23,'chatstore','0006_message_ending','2026-11-28 11:21:49.004359');
INSERT INTO `django_migrations` VALUES (24,'chatstore','0007_items_deleted_at','2026-11-28 11:21:49.120146');
INSERT INTO `django_migrations` VALUES (25,'chatstore','0008_session_retry_id','2026-11-28 11:21:49.224176');
INSERT INTO `django_migrations` VALUES (26,'chatstore','0009_search_records','2026-11-28 11:21:49.320783');
INSERT INTO `django_migrations` VALUES (27,'chatstore','0010_model_turns','2026-11-28 11:21:49.647583');
INSERT INTO `django_migrations` VALUES (28,'chatstore','0011_search_words','2026-11-28 11:21:49.684027');
INSERT INTO `django_migrations` VALUES (29,'chatstore','0012_own_threads','2026-11-28 11:21:51.077073');
INSERT INTO `django_migrations` VALUES (30,'chatstore','0013_moderation_work','2026-11-28 11:21:52.402382');
INSERT INTO `django_migrations` VALUES (31,'chatstore','0014_moderators_filters','2026-11-28 11:21:52.645837');
INSERT INTO `django_migrations` VALUES (32,'sessions','0001_initial','2026-11-28 11:21:52.769850');
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `django_session` (
  `session_key` varchar(40) NOT NULL,
  `session_data` longtext NOT NULL,
  `expire_date` datetime(6) NOT NULL,
  PRIMARY KEY (`session_key`),
  KEY `django_session_expire_date_a5c62663` (`expire_date`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;
/*!40101 SET character_set_client = @saved_cs_client */;
